import type { OptionTable } from './option-table.ts'
import { flag, path } from './value-types.ts'

/** Options that every command has. */
export interface GlobalOptions {
  readonly config: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
}

const group = 'Every command:'

/** The table of {@link GlobalOptions}. */
export const GLOBAL_OPTIONS: OptionTable<GlobalOptions> = {
  config: {
    type: path('FILE'),
    description: 'Config file, TOML or JSON; cannot itself be a key of it',
    defaultText: '`flatfhir.toml` in the working directory, where there is one',
    group,
  },
  json: {
    type: flag,
    description: 'Print the result as one JSON object, and progress as JSON lines',
    default: false,
    group,
  },
  quiet: {
    type: flag,
    description: 'No progress and no summary on stderr; errors stay',
    default: false,
    group,
  },
  verbose: {
    type: flag,
    description: 'With an error, print its stack and its causes',
    default: false,
    group,
  },
}
