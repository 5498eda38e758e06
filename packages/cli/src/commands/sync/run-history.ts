import type { SyncReport } from '@flatfhir/client'
import type { Connection } from '../../connection/connection.ts'
import { readConnection } from '../../connection/read-connection.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { formatTable, type TableColumn } from '../../output/format-table.ts'
import { historyCells } from '../../output/sync-report-text.ts'
import type { CommandContext } from '../command.ts'
import { sourceOf } from './daemon/connection-needs.ts'
import type { SyncHistoryOptions } from './history-command.ts'
import { openSink } from './open-sink.ts'
import { isLanded } from './run-status.ts'

const COLUMNS: readonly TableColumn[] = [
  { heading: 'finished', align: 'left' },
  { heading: 'cohort', align: 'left' },
  { heading: 'run', align: 'left' },
  { heading: 'result', align: 'left' },
  { heading: 'inserted', align: 'right' },
  { heading: 'updated', align: 'right' },
  { heading: 'deleted', align: 'right' },
  { heading: 'left', align: 'right' },
  { heading: 'drift', align: 'right' },
  { heading: 'seconds', align: 'right' },
]

/** Runs of other connections to the same database that may stand between those of this one. */
const RUNS_OF_OTHERS = 2_000

/** Runs `flatfhir sync history`. @returns the exit code. */
export async function runSyncHistory(
  { connection: name, limit }: SyncHistoryOptions,
  context: CommandContext,
): Promise<number> {
  const connection = await readConnection(name, context.io.cwd)
  const runs = (await isLanded(connection)) ? await latestRuns(connection, limit) : []
  if (context.options.json) context.print(JSON.stringify(runs))
  else if (runs.length === 0) context.print('there was no run yet')
  else for (const line of historyTable(runs, context)) context.print(line)
  return EXIT_COMPLETE
}

async function latestRuns(connection: Connection, limit: number): Promise<readonly SyncReport[]> {
  const { data, sinks } = connection
  const cohorts = data.groups?.map((id) => `group/${id}`) ?? [data.level]
  await using session = await openSink(sinks).open()
  const source = sourceOf(connection.source.url)
  const runs = await session.runs({ limit: limit + RUNS_OF_OTHERS, source })
  return runs.filter(({ cohort }) => cohorts.includes(cohort)).slice(0, limit)
}

function historyTable(runs: readonly SyncReport[], { style }: CommandContext): readonly string[] {
  return formatTable(COLUMNS, runs.map(historyCells), (padded, row, column) => {
    if (row === -1) return style.dim(padded)
    if (column !== 3) return padded
    return runs[row]?.result === 'committed' ? style.green(padded) : style.yellow(padded)
  })
}
