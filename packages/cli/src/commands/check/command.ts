import { CHECK_FORMATS, CHECK_IDS, type CheckFormat, type CheckId } from '@flatfhir/conformance'
import { LOGIN_OPTIONS, type LoginOptions } from '../../login/login-options.ts'
import {
  choice,
  choices,
  duration,
  instant,
  integer,
  lines,
  path,
  text,
} from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir check`. */
export interface CheckCommandOptions extends LoginOptions {
  readonly url: string
  readonly group: string | undefined
  readonly type: string
  readonly since: Date | undefined
  readonly only: readonly CheckId[] | undefined
  readonly format: CheckFormat
  readonly out: string | undefined
  readonly header: readonly string[] | undefined
  readonly timeout: number
  readonly exportTimeout: number
  readonly maxKickOffs: number
}

/** `flatfhir check`: looks at any Data Provider from outside, requirement by requirement. */
export const CHECK_COMMAND: Command = defineCommand<CheckCommandOptions>({
  name: 'check',
  summary: 'Check any Bulk Data server against the specification',
  description:
    'Makes small exports at a server, deletes them, and reports what is not as the specification says, by requirement. Nothing is written to the server, and the report holds no data. Exit code: 0 when nothing failed, 3 when something did, 1 when the run was stopped or the server does not answer.',
  options: {
    url: {
      type: text('URL'),
      description: 'FHIR base URL',
      required: true,
      argument: true,
      group: 'Server:',
    },
    ...LOGIN_OPTIONS,
    group: {
      type: text('ID'),
      description: 'A small Group for Group level exports',
      defaultText: 'none',
      group: 'What to look at:',
    },
    type: {
      type: text('TYPE'),
      description: 'The type that exports are limited to',
      default: 'Patient',
      group: 'What to look at:',
    },
    since: {
      type: instant,
      description: 'Sent as _since with every export, to keep them small',
      defaultText: 'none',
      group: 'What to look at:',
    },
    only: {
      type: { ...choices(...CHECK_IDS), placeholder: 'CHECK' },
      description: 'These checks only (docs/check.md lists them)',
      defaultText: 'all',
      group: 'What to look at:',
    },
    format: {
      type: choice(...CHECK_FORMATS),
      description: 'Form of the report',
      default: 'text',
      group: 'Output:',
    },
    out: {
      type: path('FILE'),
      description: 'Where to write the report',
      defaultText: 'stdout',
      group: 'Output:',
    },
    header: {
      type: lines('NAME:VALUE'),
      description: 'A header for every request to the server; repeated',
      group: 'Network:',
    },
    timeout: {
      type: duration,
      description: 'Longest time for the whole run',
      default: 15 * 60_000,
      group: 'Network:',
    },
    exportTimeout: {
      type: duration,
      description: 'Longest time to wait for one export',
      default: 5 * 60_000,
      group: 'Network:',
    },
    maxKickOffs: {
      type: integer(1, 1000),
      description: 'Most kick-off requests to send',
      default: 60,
      group: 'Network:',
    },
  },
  examples: [
    {
      line: 'flatfhir check http://127.0.0.1:8080/fhir --group ten-percent',
      does: 'an open server',
    },
    {
      line: 'flatfhir check https://ehr.example.org/fhir --client-id me --key keys.json --format junit --out check.xml',
      does: 'in CI',
    },
  ],
  run: async (options, context) => {
    const { runCheck } = await import('./run-check.ts')
    return runCheck(options, context)
  },
})
