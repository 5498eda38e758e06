import { access, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseInstant } from '@flatfhir/protocol'
import { type Clock, systemClock } from '../clock.ts'
import { LoadRefusedError } from '../errors.ts'
import { readReceipt } from '../receipt/read-receipt.ts'
import type { Receipt, ReceiptFile } from '../receipt/receipt.ts'
import { RECEIPT_FILE } from '../receipt/receipt-file.ts'
import { OWN_FOLDER } from '../run-folder.ts'
import { incompleteAlarm } from './alarms.ts'
import { foreignFiles } from './foreign-files.ts'
import { newRunId } from './run-plan.ts'
import type { LandingFile, LandingInspection, LandingRun, Sink } from './sink.ts'
import { SYNC_REPORT_VERSION, type SyncExport, type SyncReport } from './sync-report.ts'
import { sourceOf } from './sync-settings.ts'
import type { CohortKey } from './sync-state.ts'

/** What to load, and where. */
export interface LoadOptions {
  /** Folder of an export with its `receipt.json`, or any folder with files of NDJSON. */
  readonly directory: string
  readonly sink: Sink
  /** Loads what is there of an export that is not complete. */
  readonly acceptIncomplete?: boolean | undefined
  /**
   * What the landed data name as their source.
   *
   * @defaultValue the FHIR base URL in the receipt; the folder's `file:` URL where there is none
   */
  readonly source?: string | undefined
  readonly clock?: Clock | undefined
}

/** What was loaded. */
export interface LoadResult {
  /**
   * Whether the files are those of an export that flatfhir checked, by its receipt. Otherwise
   * nobody knows whether anything is missing.
   */
  readonly verified: boolean
  readonly report: SyncReport
  /** Files that were loaded. */
  readonly files: number
  /** Names of files of NDJSON that hold no resources, such as logs; they were left alone. */
  readonly skipped: readonly string[]
}

/** What is found in a folder. */
interface Loadable {
  readonly key: CohortKey
  readonly receipt: Receipt | undefined
  readonly output: readonly LandingFile[]
  readonly deleted: readonly LandingFile[]
  readonly skipped: readonly string[]
}

/**
 * Lands a folder that was exported earlier. Nothing is removed by absence, and no watermark moves: a
 * sync of the same source begins with a full run, or goes on from where it was.
 *
 * @throws {@link LoadRefusedError} when the export is not complete, or its files are not what its
 *   receipt says; `RECEIPT_INVALID`; `NDJSON_INVALID`; what the sink throws. Nothing is landed then.
 */
export async function loadExport(options: LoadOptions): Promise<LoadResult> {
  const directory = resolve(options.directory)
  const clock = options.clock ?? systemClock
  const now = (): Date => clock.now()
  const startedAt = now()
  const loadable = await lookInto(directory, options)
  const { receipt, output, skipped } = loadable
  const since = sinceOfReceipt(receipt)
  const run: LandingRun = {
    id: newRunId(startedAt),
    cohort: loadable.key,
    kind: 'load',
    startedAt,
    types: undefined,
    since,
  }
  await using session = await options.sink.open()
  const report = await (async () => {
    await using landing = await session.begin(run)
    await landing.write(output, 'changes')
    await landing.delete(loadable.deleted)
    const inspection = await landing.inspect()
    const made = loadReport({ run, loadable, inspection, finishedAt: now() })
    await landing.commit({ watermarks: [], report: made })
    return made
  })()
  await session.publish()
  return { verified: receipt !== undefined, report, files: output.length, skipped }
}

async function lookInto(directory: string, options: LoadOptions): Promise<Loadable> {
  if (await exists(join(directory, RECEIPT_FILE))) return ofReceipt(directory, options)
  if (await exists(join(directory, OWN_FOLDER)))
    throw new LoadRefusedError('not-finished', directory)
  const source = options.source ?? pathToFileURL(directory).href
  const { files, skipped } = await foreignFiles(directory)
  if (files.length === 0) throw new LoadRefusedError('empty', directory)
  const key = { source, cohort: 'system' }
  return { key, receipt: undefined, output: files, deleted: [], skipped }
}

async function ofReceipt(directory: string, options: LoadOptions): Promise<Loadable> {
  const receipt = await readReceipt(directory)
  if (receipt.verdict !== 'complete' && options.acceptIncomplete !== true) {
    throw new LoadRefusedError('incomplete', directory)
  }
  const { url, level, groupId } = receipt.request
  const source = options.source ?? sourceOf(url)
  const cohort = level === 'group' ? `group/${groupId ?? ''}` : level
  const [output, deleted] = await Promise.all(
    (['output', 'deleted'] as const).map(async (kind) => receiptFiles(directory, receipt, kind)),
  )
  return {
    key: { source, cohort },
    receipt,
    output: output ?? [],
    deleted: deleted ?? [],
    skipped: [],
  }
}

async function receiptFiles(
  directory: string,
  { files }: Receipt,
  kind: 'output' | 'deleted',
): Promise<readonly LandingFile[]> {
  const usable = files.filter((file) => {
    return file.kind === kind && (file.state === 'complete' || file.state === 'partial')
  })
  const found = new Map<string, LandingFile>()
  for (const file of usable) {
    // Several small files may have gone into one.
    for (const name of file.packedInto ?? [file.path]) {
      if (!found.has(name)) found.set(name, await receiptFile(directory, name, file))
    }
  }
  return [...found.values()]
}

async function receiptFile(
  directory: string,
  name: string,
  { type, state, received, packedInto }: ReceiptFile,
): Promise<LandingFile> {
  const path = join(directory, name)
  const bytes = await stat(path).then(
    (found) => found.size,
    () => undefined,
  )
  if (bytes === undefined) throw new LoadRefusedError('file-missing', directory)
  const isOriginal = state === 'complete' && packedInto === undefined
  if (!isOriginal) return { path, type, bytes }
  const isPlain = !name.endsWith('.gz')
  if (isPlain && received.bytes !== undefined && received.bytes !== bytes) {
    throw new LoadRefusedError('file-changed', directory)
  }
  return { path, type, bytes, resources: received.count, sha256: received.sha256 }
}

function sinceOfReceipt(receipt: Receipt | undefined): Date | undefined {
  const since = receipt?.request.parameters['_since']
  return typeof since === 'string' ? parseInstant(since) : undefined
}

function loadReport(parts: {
  readonly run: LandingRun
  readonly loadable: Loadable
  readonly inspection: LandingInspection
  readonly finishedAt: Date
}): SyncReport {
  const { run, loadable, inspection, finishedAt } = parts
  const { receipt, key } = loadable
  const totalMs = finishedAt.getTime() - run.startedAt.getTime()
  const isIncomplete = receipt !== undefined && receipt.verdict !== 'complete'
  return {
    reportVersion: SYNC_REPORT_VERSION,
    runId: run.id,
    ...key,
    kind: 'load',
    fullReasons: [],
    result: 'committed',
    startedAt: run.startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    exports: receipt === undefined ? [] : [loadedExport(receipt, run)],
    alarms: isIncomplete ? [{ ...incompleteReceipt(receipt), accepted: true }] : [],
    landing: inspection,
    timings: { exportMs: 0, landingMs: totalMs, totalMs },
  }
}

function incompleteReceipt({ totals }: Receipt): ReturnType<typeof incompleteAlarm> {
  return incompleteAlarm('all', { complete: totals.filesComplete, promised: totals.files })
}

function loadedExport(receipt: Receipt, run: LandingRun): SyncExport {
  const { exportId, verdict, transactionTime, files, totals, times } = receipt
  const { resources, deletions, bytes } = totals
  return {
    purpose: run.since === undefined ? 'all' : 'changes',
    exportId,
    verdict,
    transactionTime,
    ...(run.since !== undefined && { since: run.since.toISOString() }),
    files: files.length,
    ...{ resources, deletions, bytes },
    milliseconds: Date.parse(times.finishedAt) - Date.parse(times.startedAt),
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
