import { BulkExport, type ExportReport } from '@flatfhir/client'
import { verdictExitCode } from '../../exit-codes.ts'
import { login, type Login } from '../../login/login.ts'
import { exportProgress } from '../../output/export-progress.ts'
import { tellExportReport } from '../../output/export-report-text.ts'
import type { CommandContext } from '../command.ts'
import { atProvider } from './at-provider.ts'
import { clientPlan, downloadSettings, requestSettings } from './client-options.ts'
import type { ExportOptions } from './command.ts'
import { openRunFolder } from './open-run-folder.ts'
import { storedPurpose } from './stored-purpose.ts'

/** Runs `flatfhir export`. @returns the exit code. */
export async function runExportCommand(
  options: ExportOptions,
  context: CommandContext,
): Promise<number> {
  const { report, directory } = await (options.resume === undefined
    ? begin(options, context)
    : resume(options, options.resume, context))
  tellExportReport(report, directory, context)
  return verdictExitCode(report.verdict)
}

interface Finished {
  readonly report: ExportReport
  readonly directory: string
}

async function begin(options: ExportOptions, context: CommandContext): Promise<Finished> {
  const plan = await clientPlan(options)
  // Without --resume the option table demands both.
  const { url = '', out = '' } = options
  const { level, parameters } = plan
  const purpose = { fhirBaseUrl: url, level, types: parameters?.types }
  const session = login(options, async () => purpose, context)
  const request = { url, ...plan, ...settings(options, session, context), directory: out }
  await using bulk = await (options.runFolders === undefined
    ? BulkExport.open(request)
    : openRunFolder(request, options.runFolders, context))
  return await finish(bulk, session)
}

async function resume(
  options: ExportOptions,
  directory: string,
  context: CommandContext,
): Promise<Finished> {
  const session = login(options, async () => storedPurpose(directory), context)
  await using bulk = await BulkExport.resume({ ...settings(options, session, context), directory })
  return await finish(bulk, session)
}

/** An export that is there, all checked, is told about without asking anybody for a token. */
async function finish(bulk: BulkExport, session: Login): Promise<Finished> {
  return atProvider(session, async () => {
    if (bulk.known.state !== 'complete') await session.ready()
    return { report: await bulk.run(), directory: bulk.known.directory }
  })
}

function settings(options: ExportOptions, { accessToken }: Login, context: CommandContext) {
  return {
    ...requestSettings(options),
    ...downloadSettings(options),
    onAbort: options.onStop,
    accessToken,
    signal: context.io.signal,
    onEvent: exportProgress(context.progress),
  }
}
