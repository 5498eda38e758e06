import { defineCommand, type Command } from '../command.ts'
import { DOWNLOAD_OPTIONS, type DownloadOptions } from './network-options.ts'
import { STEP_OPTIONS, type StepOptions } from './step-options.ts'

/** Options of `flatfhir export collect`. */
export interface CollectOptions extends StepOptions, DownloadOptions {}

/** `flatfhir export collect`: the files of an export that is ready. */
export const EXPORT_COLLECT_COMMAND: Command = defineCommand<CollectOptions>({
  name: 'export collect',
  summary: 'Fetch and check the files of an export that is ready, for schedulers',
  description:
    'Fetches what is not on disk yet, checks it, writes the receipt, and deletes the export at the provider. Never waits for an export that is not ready: the exit code is 4 then, and otherwise that of `flatfhir export`. Stopped by a signal, it leaves the export at the provider, and the same command goes on.',
  options: { ...STEP_OPTIONS, ...DOWNLOAD_OPTIONS },
  examples: [
    { line: 'flatfhir export collect weekly --json', does: 'fetch, and print the account as JSON' },
  ],
  run: async (options, context) => {
    const { runExportCollect } = await import('./run-steps.ts')
    return runExportCollect(options, context)
  },
})
