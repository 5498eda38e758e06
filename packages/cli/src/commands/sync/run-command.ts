import type { SyncAlarmCode } from '@flatfhir/client'
import { ALARM_CODES } from '../../connection/connection.ts'
import { choices, flag, path } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir sync run`. */
export interface SyncRunOptions {
  readonly connection: string
  readonly full: boolean
  readonly accept: readonly SyncAlarmCode[] | undefined
}

/** `flatfhir sync run`: brings the landed data in step, once. */
export const SYNC_RUN_COMMAND: Command = defineCommand<SyncRunOptions>({
  name: 'sync run',
  summary: 'Bring the landed data in step with the provider, once',
  description:
    'The first run exports everything, the next ones what changed: who joined a cohort comes with all history, who left it goes, deletions and merges are followed. Now and then everything is exported and compared. Data and watermark move together, or not at all. The same command again goes on where an interrupted run stopped. The exit code is 0 when everything is committed, 3 when a run stopped before its commit because something is missing or strange.',
  options: {
    connection: {
      type: path('FILE'),
      description: 'The connection file; flatfhir sync init writes one',
      required: true,
      argument: true,
      group: 'Input:',
    },
    full: {
      type: flag,
      description: 'Export everything, and compare it with what is landed',
      default: false,
      group: 'Run:',
    },
    accept: {
      type: { ...choices(...ALARM_CODES), placeholder: 'CODE' },
      description: `Go on after this alarm, this time: ${ALARM_CODES.join(', ')}; repeated or with commas`,
      group: 'Run:',
    },
  },
  examples: [
    { line: 'flatfhir sync run ehr.toml', does: 'what changed since the last run' },
    { line: 'flatfhir sync run ehr.toml --full', does: 'compare everything' },
    {
      line: 'flatfhir sync run ehr.toml --accept SUSPICIOUS_SHRINK',
      does: 'commit although much is gone, having looked why',
    },
  ],
  run: async (options, context) => {
    const { runSyncRun } = await import('./run-run.ts')
    return runSyncRun(options, context)
  },
})
