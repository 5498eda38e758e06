import { flag, list, path, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { patientSelection, type PatientSelection } from '../export/patient-selection.ts'

/** Options of `flatfhir sync init`. */
export interface SyncInitOptions {
  readonly connection: string
  readonly url: string
  readonly system: boolean | undefined
  readonly patient: PatientSelection | undefined
  readonly group: readonly string[] | undefined
  readonly type: readonly string[] | undefined
  readonly clientId: string | undefined
  readonly key: string | undefined
  readonly duckdb: string | undefined
  readonly parquet: string | undefined
  readonly schedule: string | undefined
}

const level = 'What to keep in step (one of):'
const login = 'Login (SMART Backend Services):'
const sinks = 'Where it lands:'

/** `flatfhir sync init`: a connection file to go on from. */
export const SYNC_INIT_COMMAND: Command = defineCommand<SyncInitOptions>({
  name: 'sync init',
  summary: 'Write a connection file, with a comment for every key',
  description:
    'Writes a connection file: where data comes from, where it lands, and when. Every key is in it, explained; what the flags do not say is commented out. TOML, or JSON where the name ends in .json. A file that is there is never overwritten. It holds no secret: it names the file of the key.',
  options: {
    connection: {
      type: path('FILE'),
      description: 'The connection file to write',
      required: true,
      argument: true,
      group: 'Output:',
    },
    url: {
      type: text('URL'),
      description: 'FHIR base URL of the provider',
      required: true,
      group: 'Network:',
    },
    system: { type: flag, description: 'Everything', exclusive: 'level', group: level },
    patient: {
      type: { ...patientSelection, placeholder: 'true' },
      description: 'The data of all patients; not of some by their ids',
      exclusive: 'level',
      group: level,
    },
    group: {
      type: list('ID'),
      description: 'The data of the patients of Groups; repeated or with commas',
      exclusive: 'level',
      group: level,
    },
    type: {
      type: list('TYPE'),
      description: 'Only these resource types; repeated or with commas',
      defaultText: 'every type',
      group: level,
    },
    clientId: {
      type: text('ID'),
      description: 'Id that the provider has given to this client',
      defaultText: 'no login',
      group: login,
    },
    key: {
      type: path('FILE'),
      description: 'Private key to log in with; flatfhir keys create makes one',
      group: login,
    },
    duckdb: {
      type: path('FILE'),
      description: 'DuckDB database to land in',
      defaultText: 'without --parquet, the name of the connection with .duckdb behind it',
      group: sinks,
    },
    parquet: {
      type: path('DIR'),
      description: 'Directory for a Parquet dataset',
      group: sinks,
    },
    schedule: {
      type: text('CRON'),
      description: 'When flatfhir sync daemon runs it, such as "30 3 * * *"',
      defaultText: 'never by itself',
      group: 'Schedule:',
    },
  },
  examples: [
    {
      line: 'flatfhir sync init ehr.toml --url http://127.0.0.1:8080/fhir --patient --duckdb ehr.duckdb',
      does: 'the data of all patients, into a DuckDB database',
    },
    {
      line: 'flatfhir sync init aco.toml --url https://ehr.example.org/fhir --group aco --client-id ID --key keys.json',
      does: 'one Group, with a login',
    },
  ],
  run: async (options, context) => {
    const { runSyncInit } = await import('./run-init.ts')
    return runSyncInit(options, context)
  },
})
