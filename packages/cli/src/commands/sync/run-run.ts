import type { SyncResult, SyncRunsReport } from '@flatfhir/client'
import { readConnection } from '../../connection/read-connection.ts'
import { EXIT_COMPLETE, EXIT_FAILED, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import { commandName } from '../../output/command-name.ts'
import { errorFields, formatError } from '../../output/format-error.ts'
import { alarmLines, syncReportText } from '../../output/sync-report-text.ts'
import type { CommandContext } from '../command.ts'
import type { SyncRunOptions } from './run-command.ts'
import { runConnection } from './run-connection.ts'

/** Runs `flatfhir sync run`. @returns the exit code. */
export async function runSyncRun(
  { connection: name, full, accept }: SyncRunOptions,
  context: CommandContext,
): Promise<number> {
  const connection = await readConnection(name, context.io.cwd)
  const report = await runConnection(connection, { full, accept }, context).catch(
    (error: unknown) => {
      if (context.io.signal.aborted) tellInterrupted(name, context)
      throw error
    },
  )
  context.progress.clear()
  tellReport(name, report, context)
  return syncExitCode(report.result)
}

/** The exit code of what became of a sync. */
export function syncExitCode(result: SyncResult): number {
  return { committed: EXIT_COMPLETE, stopped: EXIT_INCOMPLETE, failed: EXIT_FAILED }[result]
}

/** What the runs came to: alarms and errors on stderr, the rest on stdout. */
function tellReport(connection: string, report: SyncRunsReport, context: CommandContext): void {
  const { result, cohorts } = report
  const { json, verbose } = context.options
  if (json) context.print(JSON.stringify({ connection, result, cohorts: cohorts.map(cohortJson) }))
  for (const { key, reports, error } of cohorts) {
    for (const run of reports) {
      if (!json) for (const line of syncReportText(run, context.style)) context.print(line)
      for (const line of alarmLines(run)) context.warn(line)
    }
    if (error === undefined) continue
    const told = formatError(error, { verbose })
      .trimEnd()
      .replace(/^flatfhir: /, '')
    context.warn(`flatfhir: ${key.cohort}: ${told}`)
  }
}

function cohortJson({ key, result, reports, error }: SyncRunsReport['cohorts'][number]): object {
  return {
    cohort: key.cohort,
    result,
    runs: reports,
    ...(error === undefined ? {} : { error: errorFields(error) }),
  }
}

function tellInterrupted(name: string, context: CommandContext): void {
  context.progress.note({
    text: `the run is not finished; it goes on where it was with: ${commandName(context.io.env)} sync run ${name}`,
    event: 'interrupted',
    fields: { resumable: true },
  })
}
