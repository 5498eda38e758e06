import type { SyncReport } from '@flatfhir/client'
import { readConnection } from '../../connection/read-connection.ts'
import { EXIT_COMPLETE, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import { commandName } from '../../output/command-name.ts'
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
  const reports = await runConnection(connection, { full, accept }, context).catch(
    (error: unknown) => {
      if (context.io.signal.aborted) tellInterrupted(name, context)
      throw error
    },
  )
  tellReports(connection.name, reports, context)
  return exitCodeOf(reports)
}

/** 0 when every run has committed. */
export function exitCodeOf(reports: readonly SyncReport[]): number {
  return reports.every(({ result }) => result === 'committed') ? EXIT_COMPLETE : EXIT_INCOMPLETE
}

/** What the runs came to: alarms on stderr, the rest on stdout. */
function tellReports(
  connection: string,
  reports: readonly SyncReport[],
  context: CommandContext,
): void {
  for (const report of reports) for (const line of alarmLines(report)) context.warn(line)
  if (context.options.json) {
    context.print(JSON.stringify({ connection, runs: reports }))
    return
  }
  for (const report of reports) {
    for (const line of syncReportText(report, context.style)) context.print(line)
  }
}

function tellInterrupted(name: string, context: CommandContext): void {
  context.progress.note({
    text: `the run is not finished; it goes on where it was with: ${commandName(context.io.env)} sync run ${name}`,
    event: 'interrupted',
    fields: { resumable: true },
  })
}
