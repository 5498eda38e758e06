import { runSync, type SyncAlarmCode, type SyncRunsReport } from '@flatfhir/client'
import type { Connection } from '../../connection/connection.ts'
import { login } from '../../login/login.ts'
import { syncProgress } from '../../output/sync-progress.ts'
import type { CommandContext } from '../command.ts'
import { explainedRefusal } from '../export/at-provider.ts'
import { openSink } from './open-sink.ts'
import { connectionLogin, connectionPurpose, syncConnection } from './to-sync-options.ts'

/** What one run may be told beside its connection. */
export interface RunConnectionOptions {
  readonly full?: boolean
  readonly accept?: readonly SyncAlarmCode[] | undefined
}

/** Brings one connection in step. */
export async function runConnection(
  connection: Connection,
  { full, accept }: RunConnectionOptions,
  context: CommandContext,
): Promise<SyncRunsReport> {
  const session = login(
    connectionLogin(connection, context.io.env),
    async () => connectionPurpose(connection),
    context,
  )
  const report = await runSync({
    connection: syncConnection(connection),
    sink: openSink(connection.sinks),
    workDirectory: connection.workDirectory,
    accessToken: session.accessToken,
    full,
    accept,
    signal: context.io.signal,
    onEvent: syncProgress(context.progress),
  })
  const cohorts = report.cohorts.map((cohort) =>
    cohort.error === undefined
      ? cohort
      : { ...cohort, error: explainedRefusal(session, cohort.error) },
  )
  return { ...report, cohorts }
}
