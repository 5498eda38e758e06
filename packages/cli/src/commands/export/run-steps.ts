import { BulkExport, type ExportJobState, type ExportJobStatus } from '@flatfhir/client'
import { UsageError } from '../../errors.ts'
import {
  EXIT_COMPLETE,
  EXIT_FAILED,
  EXIT_INCOMPLETE,
  EXIT_RUNNING,
  verdictExitCode,
} from '../../exit-codes.ts'
import { login, type Login } from '../../login/login.ts'
import { exportProgress } from '../../output/export-progress.ts'
import { reportJson, tellExportReport } from '../../output/export-report-text.ts'
import { exportStatusLine } from '../../output/export-status-text.ts'
import { shownPath } from '../../output/shown-path.ts'
import type { CommandContext } from '../command.ts'
import { atProvider } from './at-provider.ts'
import { clientPlan, downloadSettings, requestSettings } from './client-options.ts'
import type { CollectOptions } from './collect-command.ts'
import type { StartOptions } from './start-command.ts'
import type { StepOptions } from './step-options.ts'
import { storedPurpose } from './stored-purpose.ts'

const EXIT_CODES: Readonly<Record<ExportJobState, number>> = {
  'not-started': EXIT_FAILED,
  'in-progress': EXIT_RUNNING,
  ready: EXIT_COMPLETE,
  complete: EXIT_COMPLETE,
  incomplete: EXIT_INCOMPLETE,
  failed: EXIT_FAILED,
  ended: EXIT_FAILED,
}

/** Runs `flatfhir export start`. @returns the exit code. */
export async function runExportStart(
  options: StartOptions,
  context: CommandContext,
): Promise<number> {
  const { url, dir: directory } = options
  if (/^https?:\/\//i.test(directory)) {
    throw new UsageError('DIR is a URL', 'Give the directory as argument, and the URL as --url.')
  }
  const plan = await clientPlan(options)
  const purpose = { fhirBaseUrl: url, level: plan.level, types: plan.parameters?.types }
  const session = login(options, async () => purpose, context)
  await using bulk = await BulkExport.open({
    ...{ url, ...plan, directory },
    ...settings(options, session, context),
  })
  const status = await atProvider(session, async () => {
    const { state } = bulk.known
    if (state === 'not-started' || state === 'ended') await session.ready()
    return bulk.start()
  })
  tellStatus(status, context)
  return EXIT_COMPLETE
}

/** Runs `flatfhir export status`. @returns the exit code. */
export async function runExportStatus(
  options: StepOptions,
  context: CommandContext,
): Promise<number> {
  const status = await atExport(options, context, { take: async (bulk) => bulk.status() })
  tellStatus(status, context)
  return EXIT_CODES[status.state]
}

/** Runs `flatfhir export collect`. @returns the exit code. */
export async function runExportCollect(
  options: CollectOptions,
  context: CommandContext,
): Promise<number> {
  const { result, known } = await atExport(options, context, {
    downloads: downloadSettings(options),
    take: async (bulk) => ({ result: await bulk.collect(), known: bulk.known }),
  })
  if (!result.finished) {
    tellStatus(result.status, context)
    return EXIT_CODES[result.status.state]
  }
  const { report } = result
  if (context.options.json) {
    context.print(JSON.stringify({ ...known, report: reportJson(report) }))
  } else {
    tellExportReport(report, known.directory, context)
  }
  return verdictExitCode(report.verdict)
}

/** Runs `flatfhir export cancel`. @returns the exit code. */
export async function runExportCancel(
  options: StepOptions,
  context: CommandContext,
): Promise<number> {
  const status = await atExport(options, context, { take: async (bulk) => bulk.cancel() })
  tellStatus(status, context)
  return EXIT_COMPLETE
}

interface Step<Result> {
  readonly downloads?: ReturnType<typeof downloadSettings>
  take(bulk: BulkExport): Promise<Result>
}

/** Takes one step with an export that was started before. */
async function atExport<Result>(
  options: StepOptions,
  context: CommandContext,
  step: Step<Result>,
): Promise<Result> {
  const { dir: directory } = options
  const session = login(options, async () => storedPurpose(directory), context)
  await using bulk = await BulkExport.resume({
    ...step.downloads,
    ...settings(options, session, context),
    directory,
  })
  return await atProvider(session, async () => step.take(bulk))
}

function settings(options: StepOptions | StartOptions, session: Login, context: CommandContext) {
  return {
    ...requestSettings(options),
    accessToken: session.accessToken,
    signal: context.io.signal,
    // A scheduler that stops a step has not given up the export.
    onAbort: 'keep' as const,
    onEvent: exportProgress(context.progress),
  }
}

function tellStatus(status: ExportJobStatus, context: CommandContext): void {
  if (context.options.json) {
    context.print(JSON.stringify(status))
    return
  }
  const directory = shownPath(status.directory, context.io.cwd)
  context.print(exportStatusLine({ ...status, directory }, context.style))
}
