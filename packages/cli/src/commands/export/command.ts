import {
  choice,
  duration,
  flag,
  instant,
  integer,
  list,
  path,
  size,
  text,
} from '../../options/value-types.ts'
import { LOGIN_OPTIONS, type LoginOptions } from '../../login/login-options.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir export`. */
export interface ExportOptions extends LoginOptions {
  readonly url: string
  readonly system: boolean | undefined
  readonly patient: boolean | undefined
  readonly group: string | undefined
  readonly out: string
  readonly type: readonly string[] | undefined
  readonly since: Date | undefined
  readonly until: Date | undefined
  readonly method: 'GET' | 'POST'
  readonly concurrency: number
  readonly gzip: boolean
  readonly keepExport: boolean
  readonly maxRetryAfter: number
  readonly idleTimeout: number
  readonly maxLineSize: number
  readonly maxAttempts: number
}

const level = 'What to export (one of):'
const filter = 'Filters:'
const output = 'Files:'
const network = 'Network:'

/** `flatfhir export`: the Data Consumer. */
export const EXPORT_COMMAND: Command = defineCommand<ExportOptions>({
  name: 'export',
  summary: 'Pull an export from any Bulk Data provider, and check it',
  description:
    'Sends the kick-off request, waits for the export, downloads its files, checks them against the manifest, and deletes the export at the provider. With --client-id it logs in by SMART Backend Services. The exit code is 0 only if everything that the manifest promises is on disk and checked.',
  options: {
    url: {
      type: text('URL'),
      description: 'FHIR base URL of the provider',
      required: true,
      argument: true,
      group: network,
    },
    system: {
      type: flag,
      description: 'Everything the provider has',
      exclusive: 'level',
      group: level,
    },
    patient: {
      type: flag,
      description: 'The data of all patients',
      exclusive: 'level',
      group: level,
    },
    group: {
      type: text('ID'),
      description: 'The data of the patients of one Group',
      exclusive: 'level',
      group: level,
    },
    type: {
      type: list('TYPE'),
      description: 'Only these resource types; repeated or with commas',
      defaultText: 'every type',
      aliases: ['--_type'],
      group: filter,
    },
    since: {
      type: instant,
      description: "Only what changed after this instant: the last export's transactionTime",
      aliases: ['--_since'],
      group: filter,
    },
    until: {
      type: instant,
      description: 'Only what changed before this instant',
      aliases: ['--_until'],
      group: filter,
    },
    out: {
      type: path('DIR'),
      description: 'Directory for the files; the same command again goes on with the export in it',
      required: true,
      group: output,
    },
    gzip: {
      type: flag,
      description: 'Keep the files compressed, as .ndjson.gz',
      default: false,
      group: output,
    },
    ...LOGIN_OPTIONS,
    method: {
      type: choice('GET', 'POST'),
      description: 'Method of the kick-off request',
      default: 'GET',
      group: network,
    },
    concurrency: {
      type: integer(1, 256),
      description: 'Files to download at the same time',
      default: 5,
      group: network,
    },
    keepExport: {
      type: flag,
      description: 'Do not send the Delete Request at the end',
      default: false,
      group: network,
    },
    maxRetryAfter: {
      type: duration,
      description: 'Longest wait that a Retry-After header can ask for',
      default: 3_600_000,
      group: network,
    },
    idleTimeout: {
      type: duration,
      description: 'A connection on which nothing arrives for so long is given up and tried again',
      default: 60_000,
      group: network,
    },
    maxLineSize: {
      type: size,
      description: 'Longest line of a file that is accepted',
      default: 64 * 2 ** 20,
      group: network,
    },
    maxAttempts: {
      type: integer(1, 1000),
      description: 'Attempts in a row without progress before a request counts as failed',
      default: 5,
      group: network,
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
  ],
  run: async (options, context) => {
    const { runExportCommand } = await import('./run-export.ts')
    return runExportCommand(options, context)
  },
})
