import { flag, path, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir query`. */
export interface QueryOptions {
  readonly database: string
  readonly sql: string
  readonly csv: boolean
}

/** `flatfhir query`: asks a DuckDB database something. */
export const QUERY_COMMAND: Command = defineCommand<QueryOptions>({
  name: 'query',
  summary: 'Ask a DuckDB database something in SQL',
  description:
    'Opens the database for reading only, and prints the answer as a table, as CSV (RFC 4180) or, with --json, as a JSON array with one object in each line. Rows are printed as they come, however many there are.',
  options: {
    database: {
      type: path('FILE'),
      description: 'DuckDB database, such as one of flatfhir sync or flatfhir load',
      required: true,
      argument: true,
      group: 'Input:',
    },
    sql: {
      type: text('SQL'),
      description: 'The query; - reads it from stdin',
      required: true,
      argument: true,
      group: 'Input:',
    },
    csv: {
      type: flag,
      description: 'Print CSV with a line of headings',
      default: false,
      group: 'Output:',
    },
  },
  examples: [
    {
      line: 'flatfhir query warehouse.duckdb "SELECT status, count(*) FROM observation GROUP BY ALL"',
      does: 'a table',
    },
    { line: 'flatfhir query warehouse.duckdb - --csv < report.sql', does: 'CSV of a longer query' },
  ],
  run: async (options, context) => {
    const { runQuery } = await import('./run-query.ts')
    return runQuery(options, context)
  },
})
