import {
  RequestRejectedError,
  runExport,
  type ExportOptions as ClientOptions,
  type ExportReport,
} from '@flatfhir/client'
import { isResourceType, type KickOffParameters } from '@flatfhir/protocol'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE, EXIT_FAILED, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import { exportProgress } from '../../output/export-progress.ts'
import {
  exportReportTable,
  exportVerdictLine,
  outcomesLine,
  problemLine,
} from '../../output/export-report-text.ts'
import { LoginNeededError } from '../../login/errors.ts'
import { login } from '../../login/login.ts'
import type { CommandContext } from '../command.ts'
import type { ExportOptions } from './command.ts'

/** Runs `flatfhir export`. @returns the exit code. */
export async function runExportCommand(
  options: ExportOptions,
  context: CommandContext,
): Promise<number> {
  const report = await runWithLogin(options, context)
  tellReport(report, options.out, context)
  return { complete: EXIT_COMPLETE, incomplete: EXIT_INCOMPLETE, failed: EXIT_FAILED }[
    report.verdict
  ]
}

async function runWithLogin(
  options: ExportOptions,
  context: CommandContext,
): Promise<ExportReport> {
  const request = clientOptions(options)
  const { url: fhirBaseUrl, level, parameters } = request
  const accessToken = await login(
    options,
    { fhirBaseUrl, level, types: parameters?.types },
    context,
  )
  try {
    return await runExport({
      ...request,
      accessToken,
      signal: context.io.signal,
      onEvent: exportProgress(context.progress),
    })
  } catch (error) {
    const isRefused = error instanceof RequestRejectedError && error.status === 401
    throw isRefused && accessToken === undefined ? new LoginNeededError() : error
  }
}

function clientOptions(options: ExportOptions): ClientOptions {
  return {
    url: options.url,
    ...levelOf(options),
    parameters: kickOffParameters(options),
    directory: options.out,
    method: options.method,
    gzip: options.gzip,
    concurrency: options.concurrency,
    deleteWhenDone: !options.keepExport,
    maxRetryAfterSeconds: Math.max(1, Math.ceil(options.maxRetryAfter / 1000)),
    idleTimeoutMs: Math.max(1, options.idleTimeout),
    maxLineBytes: options.maxLineSize,
    maxAttempts: options.maxAttempts,
  }
}

function levelOf(options: ExportOptions): Pick<ClientOptions, 'level' | 'groupId'> {
  if (options.group !== undefined) return { level: 'group', groupId: options.group }
  if (options.patient === true) return { level: 'patient' }
  if (options.system === true) return { level: 'system' }
  throw new UsageError('What to export is missing', 'Name --system, --patient or --group ID.')
}

function kickOffParameters({ type, since, until }: ExportOptions): Partial<KickOffParameters> {
  const unknown = type?.find((name) => !isResourceType(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--type: ${JSON.stringify(unknown)} is not a resource type of FHIR R4`,
      'Types are written like Patient or MedicationRequest.',
    )
  }
  const types = type?.filter((name) => isResourceType(name))
  return {
    ...(types === undefined ? {} : { types }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}

function tellReport(report: ExportReport, directory: string, context: CommandContext): void {
  const { style } = context
  for (const problem of report.problems) context.warn(problemLine(problem))
  if (context.options.json) {
    context.print(JSON.stringify(report))
    return
  }
  for (const line of exportReportTable(report, style)) context.print(line)
  const outcomes = outcomesLine(report)
  if (outcomes !== undefined) context.print(outcomes)
  context.print(exportVerdictLine(report, directory, style))
}
