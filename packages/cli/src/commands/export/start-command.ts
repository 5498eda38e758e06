import { LOGIN_OPTIONS, type LoginOptions } from '../../login/login-options.ts'
import { path, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { FILE_OPTIONS, type FileOptions } from './file-options.ts'
import { REQUEST_OPTIONS, type RequestOptions } from './network-options.ts'
import { PLAN_OPTIONS, type PlanOptions } from './plan-options.ts'

/** Options of `flatfhir export start`. */
export interface StartOptions extends LoginOptions, PlanOptions, FileOptions, RequestOptions {
  readonly dir: string
  readonly url: string
}

/** `flatfhir export start`: the kick-off request alone. */
export const EXPORT_START_COMMAND: Command = defineCommand<StartOptions>({
  name: 'export start',
  summary: 'Send the kick-off request only, for schedulers',
  description:
    'Begins an export in a directory and returns at once. The same command again sends nothing. The exit code is 0 when the provider has accepted the export, now or earlier; how far it is, `flatfhir export status` says.',
  options: {
    dir: {
      type: path('DIR'),
      description: 'Directory for the export: a new or empty one, or the one of the same export',
      required: true,
      argument: true,
      group: 'Files:',
    },
    url: {
      type: text('URL'),
      description: 'FHIR base URL of the provider',
      required: true,
      group: 'Network:',
    },
    ...PLAN_OPTIONS,
    ...FILE_OPTIONS,
    ...LOGIN_OPTIONS,
    ...REQUEST_OPTIONS,
  },
  examples: [
    {
      line: 'flatfhir export start weekly --url https://ehr.example.org/fhir --group diabetes --json',
      does: 'begin, and print where the export is as JSON',
    },
  ],
  run: async (options, context) => {
    const { runExportStart } = await import('./run-steps.ts')
    return runExportStart(options, context)
  },
})
