import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ExportDirectoryRefusedError,
  JournalInvalidError,
  RequestRejectedError,
} from '../errors.ts'
import type { ExportOptions } from '../export-options.ts'
import type { ExportParameters } from '../export-parameters.ts'
import type { ExportedFile, ExportReport } from '../export-report.ts'
import { runExport } from '../run-export.ts'
import type { CohortContext } from './cohort-context.ts'
import type { RunPlan } from './run-plan.ts'
import type { LandingFile } from './sink.ts'
import type { SyncExport, SyncExportPurpose } from './sync-report.ts'

/** An export of a run. */
export interface ExportRequest {
  readonly purpose: SyncExportPurpose
  readonly parameters: ExportParameters
  /** Of joiners' history: 1 for the first. */
  readonly batch?: number
  readonly batches?: number
}

/** An export of a run whose files are on the disk, as far as they could be had. */
export interface RunExport {
  readonly purpose: SyncExportPurpose
  readonly directory: string
  readonly report: ExportReport
  readonly since: Date | undefined
}

/** Runs one export of a run, or goes on with it. Throws as `runExport` does. */
export async function runOneExport(
  context: CohortContext,
  plan: RunPlan,
  request: ExportRequest,
): Promise<RunExport> {
  const { purpose, parameters, batch = 1, batches = 1 } = request
  const name = purpose === 'history' ? `history-${batch - 1}` : purpose
  context.emit({ type: 'export-begun', runId: plan.runId, purpose, batch, batches })
  const directory = context.folder.exportPath(name)
  const options = exportOptions(context, { ...request, directory, runId: plan.runId })
  const report = await unlessLost(options, async () => {
    context.emit({ type: 'discarded', runId: plan.runId, reason: 'lost-at-provider' })
    await context.folder.discardExport(name, context.access)
  })
  const done = { purpose, directory, report, since: parameters.since }
  context.emit({ type: 'export-finished', runId: plan.runId, export: syncExport(done) })
  return done
}

function exportOptions(
  { options, profile, groupId, access, emit }: CohortContext,
  request: ExportRequest & { readonly directory: string; readonly runId: string },
): ExportOptions {
  const { connection } = options
  const { purpose, parameters, directory, runId } = request
  return {
    ...access,
    url: connection.url,
    level: connection.level,
    groupId,
    parameters,
    directory,
    profile,
    edition: connection.edition,
    // Whoever drops `patient` as unknown would send everybody.
    lenient: connection.lenient === true && purpose !== 'history',
    separateExportStatus: connection.separateExportStatus,
    checkReferences: false,
    deleteWhenDone: true,
    onAbort: options.onAbort ?? 'keep',
    onEvent: (event) => {
      emit({ type: 'export-event', runId, purpose, event })
    },
  }
}

/** Begins anew, once, where what was begun earlier is of no use any more. */
async function unlessLost(
  options: ExportOptions,
  discard: () => Promise<void>,
): Promise<ExportReport> {
  const wasBegun = await exists(options.directory)
  try {
    return await runExport(options)
  } catch (error) {
    if (!wasBegun || !isLost(error)) throw error
    await discard()
    return runExport(options)
  }
}

function isLost(error: unknown): boolean {
  if (error instanceof ExportDirectoryRefusedError) {
    return ['ended', 'other-export', 'not-empty'].includes(error.fault)
  }
  if (error instanceof JournalInvalidError) return error.fault !== 'too-new'
  // Of a kick-off, these would be said of the new one too.
  const isOld = error instanceof RequestRejectedError && error.request !== 'Kick-off'
  return isOld && [404, 410].includes(error.status)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Whether the source does not take a parameter of a kick-off request, to go by its answer. */
export function isRefused(error: unknown, statuses: readonly number[]): boolean {
  return (
    error instanceof RequestRejectedError &&
    error.request === 'Kick-off' &&
    statuses.includes(error.status)
  )
}

/** One export, for the report of its run. */
export function syncExport({ purpose, report, since }: RunExport): SyncExport {
  const { verdict, receipt, transactionTime, files, resources, deletions, bytes, timings } = report
  return {
    purpose,
    exportId: receipt.exportId,
    verdict,
    transactionTime: transactionTime.toISOString(),
    ...(since !== undefined && { since: since.toISOString() }),
    files: files.length,
    resources,
    deletions,
    bytes,
    milliseconds: timings.totalMs,
    ...(report.outcomes.length > 0 && { outcomes: report.outcomes }),
  }
}

/** Files of an export that can be landed: what is there of one kind. */
export async function landingFiles(
  { directory, report }: RunExport,
  kind: 'output' | 'deleted',
): Promise<readonly LandingFile[]> {
  const usable = report.files.filter((file) => {
    return file.kind === kind && (file.state === 'complete' || file.state === 'partial')
  })
  return Promise.all(usable.map(async (file) => landingFile(directory, file)))
}

async function landingFile(directory: string, file: ExportedFile): Promise<LandingFile> {
  const path = join(directory, file.path)
  const { bytes, count, sha256 } = file.received
  if (file.state !== 'complete') return { path, type: file.type, bytes: (await stat(path)).size }
  return { path, type: file.type, bytes: bytes ?? 0, resources: count, sha256 }
}
