import { access } from 'node:fs/promises'
import { syncStatus, type CohortStatus } from '@flatfhir/client'
import type { Connection } from '../../connection/connection.ts'
import { readConnection } from '../../connection/read-connection.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { syncStatusText } from '../../output/sync-status-text.ts'
import type { CommandContext } from '../command.ts'
import { openSink, warehousePath } from './open-sink.ts'
import type { SyncStatusOptions } from './status-command.ts'
import { syncConnection } from './to-sync-options.ts'

/** Runs `flatfhir sync status`. @returns the exit code. */
export async function runSyncStatus(
  { connections: names }: SyncStatusOptions,
  context: CommandContext,
): Promise<number> {
  const all: object[] = []
  for (const name of names) {
    const connection = await readConnection(name, context.io.cwd)
    const cohorts = await statusOf(connection)
    all.push({ connection: name, source: connection.source.url, cohorts })
    if (context.options.json) continue
    for (const line of syncStatusText({ name, cohorts, now: new Date() }, context.style)) {
      context.print(line)
    }
  }
  if (context.options.json) context.print(JSON.stringify(all))
  return EXIT_COMPLETE
}

/** Nothing before the first run: asking makes no database. */
async function statusOf(connection: Connection): Promise<readonly CohortStatus[]> {
  if (!(await isLanded(connection))) return []
  return syncStatus({
    connection: syncConnection(connection),
    sink: openSink(connection.sinks),
    workDirectory: connection.workDirectory,
  })
}

/** Whether there is a database to look into. */
export async function isLanded({ sinks }: Connection): Promise<boolean> {
  return access(warehousePath(sinks)).then(
    () => true,
    () => false,
  )
}
