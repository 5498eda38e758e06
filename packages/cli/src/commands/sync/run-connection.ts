import { runSync, type SyncAlarmCode, type SyncReport } from '@flatfhir/client'
import type { Connection } from '../../connection/connection.ts'
import { login } from '../../login/login.ts'
import { syncProgress } from '../../output/sync-progress.ts'
import type { CommandContext } from '../command.ts'
import { atProvider } from '../export/at-provider.ts'
import { openSink } from './open-sink.ts'
import { connectionLogin, connectionPurpose, syncConnection } from './to-sync-options.ts'

/** What one run may be told beside its connection. */
export interface RunConnectionOptions {
  readonly full?: boolean
  readonly accept?: readonly SyncAlarmCode[] | undefined
}

/** Brings one connection in step. @returns a report of each run. */
export async function runConnection(
  connection: Connection,
  { full, accept }: RunConnectionOptions,
  context: CommandContext,
): Promise<readonly SyncReport[]> {
  const session = login(
    connectionLogin(connection, context.io.env),
    async () => connectionPurpose(connection),
    context,
  )
  return atProvider(session, async () =>
    runSync({
      connection: syncConnection(connection),
      sink: openSink(connection.sinks),
      workDirectory: connection.workDirectory,
      accessToken: session.accessToken,
      full,
      accept,
      signal: context.io.signal,
      onEvent: syncProgress(context.progress),
    }),
  )
}
