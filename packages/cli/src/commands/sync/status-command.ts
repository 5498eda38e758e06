import { delimiter } from 'node:path'
import { paths } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir sync status`. */
export interface SyncStatusOptions {
  readonly connections: readonly string[]
}

/** `flatfhir sync status`: up to when the landed data is in step. */
export const SYNC_STATUS_COMMAND: Command = defineCommand<SyncStatusOptions>({
  name: 'sync status',
  summary: 'Show up to when the landed data is in step',
  description:
    'Prints the watermark, the roster, the last full run and the last run of each cohort, and whether a run is unfinished. Asks no provider for anything.',
  options: {
    connections: {
      type: paths('FILE', delimiter),
      description: 'Connection files',
      required: true,
      argument: true,
      group: 'Input:',
    },
  },
  examples: [
    { line: 'flatfhir sync status ehr.toml', does: 'one connection' },
    { line: 'flatfhir sync status *.toml --json', does: 'several, as JSON' },
  ],
  run: async (options, context) => {
    const { runSyncStatus } = await import('./run-status.ts')
    return runSyncStatus(options, context)
  },
})
