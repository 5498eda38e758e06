import { VENDORS } from '../commands/export/plan-options.ts'
import type { OptionDefinition } from '../options/option-table.ts'
import { choice, durationWithin, flag, integer, list, path, text } from '../options/value-types.ts'
import type {
  ConnectionAlarms,
  ConnectionData,
  ConnectionLogin,
  ConnectionSinks,
  ConnectionSource,
  ConnectionSync,
} from './connection.ts'
import { durationOrNever, headerTable, percent, texts, variableName } from './value-types.ts'

/** One key of a connection file. Its comment in a new file and its row in the docs come from here. */
export type ConnectionKey<T> = Omit<OptionDefinition<T>, 'group'> & {
  /** A value as the file would hold it. */
  readonly example: unknown
}

type KeyTable<T> = { readonly [K in keyof T]-?: ConnectionKey<T[K]> }

const SOURCE: KeyTable<ConnectionSource> = {
  url: {
    type: text('URL'),
    description: 'FHIR base URL of the provider',
    required: true,
    example: 'https://ehr.example.org/fhir',
  },
  vendor: {
    type: { ...choice(...VENDORS), placeholder: 'VENDOR' },
    description: `Whose manners the provider has: ${VENDORS.slice(1).join(', ')}; auto finds out`,
    default: 'auto',
    example: 'auto',
  },
  edition: {
    type: { ...choice('auto', 'stu1', 'stu2', 'stu3', 'stu4'), placeholder: 'EDITION' },
    description: 'Edition of the IG to speak: stu1, stu2, stu3, stu4; auto asks the provider',
    default: 'auto',
    example: 'auto',
  },
  headers: {
    type: headerTable,
    description: 'Headers for every request to the provider; not for tokens or passwords',
    example: { 'Epic-Client-ID': 'my-client' },
  },
  lenient: {
    type: flag,
    description: 'Let the provider ignore kick-off parameters that it does not know',
    default: false,
    example: true,
  },
}

const LOGIN: KeyTable<ConnectionLogin> = {
  clientId: {
    type: text('ID'),
    description: 'Id that the provider has given to this client',
    defaultText: 'no login',
    example: 'my-client',
  },
  key: {
    type: path('FILE'),
    description: 'File of the private key to log in with; flatfhir keys create makes one',
    example: 'my-keys.json',
  },
  kid: {
    type: text('KID'),
    description: 'Which key of several',
    defaultText: 'the newest that is not retired',
    example: 'key-2026',
  },
  privateKeyVariable: {
    type: variableName,
    description: 'Environment variable that holds the private key, instead of a file',
    example: 'EHR_PRIVATE_KEY',
  },
  clientSecretFile: {
    type: path('FILE'),
    description: 'File of a client secret, for the providers that have nothing better (BCDA)',
    example: 'bcda-secret.txt',
  },
  clientSecretVariable: {
    type: variableName,
    description: 'Environment variable that holds the client secret, instead of a file',
    example: 'BCDA_CLIENT_SECRET',
  },
  scope: {
    type: text('SCOPES'),
    description: 'Scopes to ask for, separated by spaces',
    defaultText: 'what the level and the types need, as the provider spells it',
    example: 'system/Patient.rs system/Observation.rs',
  },
  tokenUrl: {
    type: text('URL'),
    description: 'Token endpoint',
    defaultText: "what the provider's .well-known/smart-configuration says",
    example: 'https://ehr.example.org/token',
  },
  jwksUrl: {
    type: text('URL'),
    description: 'Registered URL of the JWK Set, for the providers that want it named (jku)',
    example: 'https://me.example.org/jwks.json',
  },
}

const DATA: KeyTable<ConnectionData> = {
  level: {
    type: choice('system', 'patient', 'group'),
    description:
      'What to keep in step: everything (system), the data of all patients (patient), or that of the patients of Groups (group)',
    required: true,
    example: 'group',
  },
  groups: {
    type: texts('ID'),
    description: 'Ids of the Groups, for the level group; each is exported and committed by itself',
    example: ['diabetes'],
  },
  types: {
    type: list('TYPE'),
    description: 'Only these resource types',
    defaultText: 'every type',
    example: ['Patient', 'Condition', 'Observation'],
  },
  typeFilters: {
    type: texts('QUERY'),
    description: 'Searches that resources of a type have to match (_typeFilter)',
    example: ['Observation?category=laboratory'],
  },
  associatedData: {
    type: texts('SET'),
    description: 'Sets of further resources to ask for (includeAssociatedData)',
    example: ['LatestProvenanceResources'],
  },
}

const SINKS: KeyTable<ConnectionSinks> = {
  duckdb: {
    type: path('FILE'),
    description: 'DuckDB database to land in; made where it is missing',
    example: 'warehouse.duckdb',
  },
  parquet: {
    type: path('DIR'),
    description: 'Directory for a Parquet dataset, written anew where types changed',
    example: 'lake',
  },
}

const DAY_MS = 86_400_000

const SYNC: KeyTable<ConnectionSync> = {
  schedule: {
    type: text('CRON'),
    description: 'When flatfhir sync daemon runs it: minute, hour, day, month, weekday',
    defaultText: 'never by itself',
    example: '30 3 * * *',
  },
  timeZone: {
    type: text('ZONE'),
    description: 'Time zone of the schedule',
    defaultText: 'that of the machine',
    example: 'America/New_York',
  },
  overlap: {
    type: durationWithin(0, 30 * DAY_MS),
    description: 'How far before the last transactionTime an incremental run looks back',
    default: 3_600_000,
    example: '1h',
  },
  reconcile: {
    type: durationOrNever,
    description: 'How often everything is exported and compared with what is landed',
    default: 28 * DAY_MS,
    example: '28d',
  },
  joinersPerExport: {
    type: integer(1, 100_000),
    description:
      'Patients in one export of the history of those who joined a cohort since the last run',
    default: 200,
    example: 200,
  },
  workDirectory: {
    type: path('DIR'),
    description: 'Directory for exports under way, and for the reports of runs',
    defaultText: 'the name of this file with .sync behind it',
    example: 'work',
  },
}

const ALARMS: KeyTable<ConnectionAlarms> = {
  sinceIgnored: {
    type: percent,
    description:
      'A run stops before it commits when more than this share of the changes of a type is older than it asked for',
    default: 0.2,
    example: '20%',
  },
  shrink: {
    type: percent,
    description:
      'A run stops before it commits when a type, or the roster of a cohort, would shrink by more than this share',
    default: 0.2,
    example: '20%',
  },
  shrinkRows: {
    type: integer(0, 1_000_000_000),
    description: 'So few rows, or members, less are never suspicious',
    default: 10,
    example: 10,
  },
}

/** One table of a connection file. */
export interface ConnectionTable {
  /** A comment above the table in a new file. */
  readonly about: string
  readonly keys: Readonly<Record<string, ConnectionKey<unknown>>>
}

/** Names of the tables of a connection file. */
export type ConnectionTableName = 'source' | 'login' | 'data' | 'sinks' | 'sync' | 'alarms'

/** The tables of a connection file, in the order of a new one. */
export const CONNECTION_TABLES: Readonly<Record<ConnectionTableName, ConnectionTable>> = {
  source: { about: 'The provider.', keys: SOURCE },
  login: {
    about:
      'Login by SMART Backend Services. This file holds no secret: it names the file or the environment variable that does.',
    keys: LOGIN,
  },
  data: { about: 'Whose data, and which.', keys: DATA },
  sinks: { about: 'Where it lands: in one of these, or in both.', keys: SINKS },
  sync: { about: 'When and how it is kept in step.', keys: SYNC },
  alarms: { about: 'What is too strange to be committed without being asked.', keys: ALARMS },
}
