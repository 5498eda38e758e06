import { LOGIN_OPTIONS, type LoginOptions } from '../../login/login-options.ts'
import { choice, path, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { FILE_OPTIONS, type FileOptions } from './file-options.ts'
import {
  DOWNLOAD_OPTIONS,
  REQUEST_OPTIONS,
  type DownloadOptions,
  type RequestOptions,
} from './network-options.ts'
import { PLAN_OPTIONS, type PlanOptions } from './plan-options.ts'

/** Options of `flatfhir export`. */
export interface ExportOptions
  extends LoginOptions, PlanOptions, FileOptions, RequestOptions, DownloadOptions {
  /** Absent with `resume` only, as is `out`. */
  readonly url: string | undefined
  readonly out: string | undefined
  readonly runFolders: string | undefined
  readonly resume: string | undefined
  readonly onStop: 'delete' | 'keep'
}

const files = 'Files:'
const notWith = 'resume'

/** `flatfhir export`: the Data Consumer. */
export const EXPORT_COMMAND: Command = defineCommand<ExportOptions>({
  name: 'export',
  summary: 'Pull an export from any Bulk Data provider, and check it',
  description:
    'Sends the kick-off request, waits for the export, downloads its files, checks them against the manifest, writes a receipt, and deletes the export at the provider. The same command again goes on where an interrupted one stopped, whatever stopped it. With --client-id it logs in by SMART Backend Services. The exit code is 0 only if everything that the manifest promises is on disk and checked.',
  options: {
    url: {
      type: text('URL'),
      description: 'FHIR base URL of the provider',
      required: true,
      argument: true,
      notWith,
      group: 'Network:',
    },
    ...PLAN_OPTIONS,
    out: {
      type: path('DIR'),
      description: 'Directory for the files; the same command again goes on with the export in it',
      required: true,
      notWith,
      group: files,
    },
    resume: {
      type: path('DIR'),
      description: 'Go on with the export in this directory; what was asked for is known there',
      group: files,
    },
    runFolders: {
      type: text('NAME'),
      description:
        'Make a numbered directory DIR/NNN.NAME for each export; one that is not finished is gone on with',
      notWith,
      group: files,
    },
    ...FILE_OPTIONS,
    ...LOGIN_OPTIONS,
    ...REQUEST_OPTIONS,
    ...DOWNLOAD_OPTIONS,
    onStop: {
      type: choice('delete', 'keep'),
      description:
        'What becomes of the export when the command is stopped by Ctrl-C or SIGTERM: deleted at the provider, or kept to be resumed',
      default: 'delete',
      group: 'Network:',
    },
  },
  examples: [
    {
      line: 'flatfhir export http://127.0.0.1:8080/fhir --system --out export',
      does: 'everything',
    },
    {
      line: 'flatfhir export http://127.0.0.1:8080/fhir --group ten-percent --type Patient,Condition --out cohort',
      does: 'two types of one Group',
    },
    {
      line: 'flatfhir export http://127.0.0.1:8080/fhir --system --since 2026-01-31T08:00:00Z --out delta',
      does: 'what changed since',
    },
    {
      line: 'flatfhir export https://ehr.example.org/fhir --group diabetes --client-id ID --key my-keys.json --out cohort',
      does: 'from a provider that wants a login',
    },
    {
      line: 'flatfhir export --resume cohort --client-id ID --key my-keys.json',
      does: 'go on after the machine was switched off',
    },
  ],
  run: async (options, context) => {
    const { runExportCommand } = await import('./run-export.ts')
    return runExportCommand(options, context)
  },
})
