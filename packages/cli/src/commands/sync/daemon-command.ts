import { delimiter } from 'node:path'
import { choice, flag, paths } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir sync daemon`. */
export interface SyncDaemonCommandOptions {
  readonly connections: readonly string[]
  readonly once: boolean
  readonly log: 'auto' | 'text' | 'json'
}

/** `flatfhir sync daemon`: brings connections in step when their schedules say so. */
export const SYNC_DAEMON_COMMAND: Command = defineCommand<SyncDaemonCommandOptions>({
  name: 'sync daemon',
  summary: 'Bring connections in step when their schedules say so',
  description:
    'Runs each connection at the times of its schedule (a cron expression), one at a time for each provider. Times that come while a connection waits or runs count as one more. What fails is logged, left alone for a minute, then for longer, and never ends the daemon. SIGTERM or Ctrl-C stops it; a run under way goes on where it was the next time. SIGHUP has it read the connection files again.',
  options: {
    connections: {
      type: paths('FILE', delimiter),
      description: 'Connection files',
      required: true,
      argument: true,
      group: 'Input:',
    },
    once: {
      type: flag,
      description: 'Run each connection once, now, whatever its schedule says, and end',
      default: false,
      group: 'Run:',
    },
    log: {
      type: choice('auto', 'text', 'json'),
      description:
        'One line on stderr for each event: for people, or as JSON; auto is JSON unless stderr is a terminal',
      default: 'auto',
      group: 'Output:',
    },
  },
  examples: [
    { line: 'flatfhir sync daemon ehr.toml aco.toml', does: 'until it is stopped' },
    { line: 'flatfhir sync daemon *.toml --once', does: 'all of them, one after the other' },
  ],
  run: async (options, context) => {
    const { runSyncDaemon } = await import('./run-daemon.ts')
    return runSyncDaemon(options, context)
  },
})
