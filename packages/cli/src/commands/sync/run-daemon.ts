import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from '../../connection/connection.ts'
import { ConnectionInvalidError } from '../../connection/errors.ts'
import { readConnection } from '../../connection/read-connection.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { startProgress } from '../../output/progress.ts'
import { untilAborted } from '../../provider/until-aborted.ts'
import type { CommandContext } from '../command.ts'
import type { SyncDaemonCommandOptions } from './daemon-command.ts'
import { DaemonLog } from './daemon/daemon-log.ts'
import { SyncDaemon } from './daemon/sync-daemon.ts'
import { runConnection } from './run-connection.ts'
import { syncExitCode } from './run-run.ts'

/** Runs that were asked to end have so long before the daemon ends without them: they go on later. */
const FAREWELL_MS = 10_000

/** Runs `flatfhir sync daemon` until a signal stops it. @returns the exit code. */
export async function runSyncDaemon(
  options: SyncDaemonCommandOptions,
  context: CommandContext,
): Promise<number> {
  const connections = await readConnections(options, context)
  const log = openLog(options, context)
  const daemon = new SyncDaemon({
    log,
    run: async (connection) =>
      runConnection(connection, {}, quietContext(connection, log, context)),
    read: async (name) => readScheduled(name, options, context),
    now: Date.now,
    signal: context.io.signal,
  })
  if (options.once) return runOnce(daemon, connections, context)
  await follow(daemon, connections, { log, context })
  return EXIT_COMPLETE
}

async function runOnce(
  daemon: SyncDaemon,
  connections: readonly Connection[],
  { io }: CommandContext,
): Promise<number> {
  const results = await daemon.runOnce(connections)
  io.signal.throwIfAborted()
  if (results.includes('failed')) return syncExitCode('failed')
  return syncExitCode(results.includes('stopped') ? 'stopped' : 'committed')
}

async function follow(
  daemon: SyncDaemon,
  connections: readonly Connection[],
  { log, context }: { readonly log: DaemonLog; readonly context: CommandContext },
): Promise<void> {
  const stopReloading = context.io.onHangUp(() => {
    void daemon.reload()
  })
  try {
    daemon.start(connections)
    await untilAborted(context.io.signal)
  } finally {
    stopReloading()
  }
  log.write({ event: 'stopping', text: 'stopping; a run under way goes on the next time' })
  const farewell = new AbortController()
  await Promise.race([
    daemon.stop(),
    wait(FAREWELL_MS, undefined, { signal: farewell.signal }).catch(() => undefined),
  ])
  farewell.abort()
  context.io.signal.throwIfAborted()
}

async function readConnections(
  options: SyncDaemonCommandOptions,
  context: CommandContext,
): Promise<readonly Connection[]> {
  const names = options.connections
  if (new Set(names).size < names.length) throw new UsageError('A connection is named twice')
  return Promise.all(names.map(async (name) => readScheduled(name, options, context)))
}

async function readScheduled(
  name: string,
  { once }: SyncDaemonCommandOptions,
  { io }: CommandContext,
): Promise<Connection> {
  const connection = await readConnection(name, io.cwd)
  if (once || connection.sync.schedule !== undefined) return connection
  throw new ConnectionInvalidError(
    `${name}: sync.schedule: is missing, so the daemon would never run it`,
    'Give it a cron expression, such as "30 3 * * *".',
  )
}

function openLog({ log }: SyncDaemonCommandOptions, { io, options }: CommandContext): DaemonLog {
  const isForPeople = log === 'text' || (log === 'auto' && io.stderr.isTTY === true)
  return new DaemonLog({
    output: io.stderr,
    format: isForPeople && !options.json ? 'text' : 'json',
    quiet: options.quiet,
    now: () => new Date(),
  })
}

/** Says what it has to say through the log. */
function quietContext(
  connection: Connection,
  log: DaemonLog,
  context: CommandContext,
): CommandContext {
  return {
    ...context,
    progress: startProgress({ output: context.io.stderr, mode: 'quiet' }),
    warn: (text) => {
      log.write({ event: 'warning', connection: connection.name, text, isProblem: true })
    },
  }
}
