import { flag, path } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir load`. */
export interface LoadOptions {
  readonly dir: string
  readonly duckdb: string | undefined
  readonly parquet: string | undefined
  readonly acceptIncomplete: boolean
}

/** `flatfhir load`: lands an export that is on the disk. */
export const LOAD_COMMAND: Command = defineCommand<LoadOptions>({
  name: 'load',
  summary: 'Land an export that is on the disk, in DuckDB or as Parquet',
  description:
    'Reads the NDJSON files of a directory, best one of flatfhir export, and lands them: in tables of a DuckDB database, as a Parquet dataset, or both. An export whose receipt says that something is missing is refused; a directory without a receipt is taken as it is. Resources of the same type and id are one row, the newest.',
  options: {
    dir: {
      type: path('DIR'),
      description: 'Directory with the files of an export',
      required: true,
      argument: true,
      group: 'Input:',
    },
    duckdb: {
      type: path('FILE'),
      description: 'DuckDB database to land in; made where it is missing',
      group: 'Where it lands:',
    },
    parquet: {
      type: path('DIR'),
      description: 'Directory for a Parquet dataset',
      group: 'Where it lands:',
    },
    acceptIncomplete: {
      type: flag,
      description: 'Land what is there of an export of which something is missing',
      default: false,
      group: 'Input:',
    },
  },
  examples: [
    { line: 'flatfhir load export --duckdb warehouse.duckdb', does: 'into tables' },
    { line: 'flatfhir load export --parquet lake', does: 'as a Parquet dataset' },
  ],
  run: async (options, context) => {
    const { runLoad } = await import('./run-load.ts')
    return runLoad(options, context)
  },
})
