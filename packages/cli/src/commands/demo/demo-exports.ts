import { join } from 'node:path'
import { runExport, type AccessTokenSource, type ExportReport } from '@flatfhir/client'
import type { ExportLevel } from '@flatfhir/protocol'
import { DemoCheckFailedError } from '../../errors.ts'
import { exportProgress } from '../../output/export-progress.ts'
import { problemLine } from '../../output/export-report-text.ts'
import type { CommandContext } from '../command.ts'

/** The Group of about a tenth of the patients that every synthetic population has. */
export const DEMO_GROUP = 'ten-percent'

/** One export of the demo, done and checked. */
export interface DemoExport {
  readonly name: string
  readonly directory: string
  readonly report: ExportReport
}

/** What to export, and under which name to keep it. */
export interface DemoExportRequest {
  readonly name: string
  readonly level: ExportLevel
  readonly since?: Date
}

/** Where from and where to. */
export interface DemoExportPlaces {
  readonly fhirBaseUrl: string
  readonly accessToken: AccessTokenSource
  /** Holds one directory for each export. */
  readonly directory: string
}

/**
 * Runs one export through the client, over HTTP.
 *
 * @throws `DemoCheckFailedError` unless everything that the manifest promises is on disk and checked.
 */
export async function demoExport(
  request: DemoExportRequest,
  places: DemoExportPlaces,
  context: CommandContext,
): Promise<DemoExport> {
  const directory = join(places.directory, request.name)
  const report = await runExport({
    url: places.fhirBaseUrl,
    level: request.level,
    ...(request.level === 'group' ? { groupId: DEMO_GROUP } : {}),
    parameters: request.since === undefined ? {} : { since: request.since },
    directory,
    accessToken: places.accessToken,
    signal: context.io.signal,
    onEvent: exportProgress(context.progress, { label: `${request.name} export: ` }),
  })
  context.progress.clear()
  if (report.verdict !== 'complete') {
    for (const problem of report.problems) context.warn(problemLine(problem))
    throw new DemoCheckFailedError(`The ${request.name} export is ${report.verdict}`)
  }
  return { name: request.name, directory, report }
}
