import { integer, path } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir sync history`. */
export interface SyncHistoryOptions {
  readonly connection: string
  readonly limit: number
}

/** `flatfhir sync history`: the latest runs. */
export const SYNC_HISTORY_COMMAND: Command = defineCommand<SyncHistoryOptions>({
  name: 'sync history',
  summary: 'List the latest runs of a connection',
  description:
    'Prints the runs of all cohorts of the connection, newest first, those that stopped before their commit too. Asks no provider for anything. With --json each run comes with its whole report.',
  options: {
    connection: {
      type: path('FILE'),
      description: 'The connection file',
      required: true,
      argument: true,
      group: 'Input:',
    },
    limit: {
      type: integer(1, 100_000),
      description: 'So many runs at most',
      default: 20,
      group: 'Output:',
    },
  },
  examples: [{ line: 'flatfhir sync history ehr.toml --limit 5', does: 'the last five runs' }],
  run: async (options, context) => {
    const { runSyncHistory } = await import('./run-history.ts')
    return runSyncHistory(options, context)
  },
})
