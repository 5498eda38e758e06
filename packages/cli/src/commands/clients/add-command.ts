import { integer, list, size, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import {
  CLIENT_KEYS_OPTIONS,
  CLIENTS_GROUP,
  REGISTRY_DATA_OPTION,
  type ClientKeysOptions,
} from './clients-options.ts'

/** Options of `flatfhir clients add`. */
export interface ClientsAddOptions extends ClientKeysOptions {
  readonly data: string
  readonly name: string
  readonly scope: string
  readonly group: readonly string[] | undefined
  readonly maxConcurrentJobs: number | undefined
  readonly maxPollsPerMinute: number | undefined
  readonly maxBytesPerDay: number | undefined
}

const quotas = 'Quotas:'

/** `flatfhir clients add`: registers a client with the server. */
export const CLIENTS_ADD_COMMAND: Command = defineCommand<ClientsAddOptions>({
  name: 'clients add',
  summary: 'Register a client, and print its client id',
  description:
    'Registers a client of the server, also while it runs. The client logs in with the private half of the keys that are named here, gets at most the scopes named here, and may export the Groups named here.',
  options: {
    name: {
      type: text('NAME'),
      description: 'What people call the client',
      required: true,
      group: CLIENTS_GROUP,
    },
    ...CLIENT_KEYS_OPTIONS,
    scope: {
      type: text('SCOPES'),
      description: 'All that it may ever be granted, such as "system/*.rs", separated by spaces',
      required: true,
      group: CLIENTS_GROUP,
    },
    group: {
      type: list('ID'),
      description: 'A Group that it may read and export; repeated or with commas; "*" for all',
      defaultText: 'no Group',
      group: CLIENTS_GROUP,
    },
    data: { ...REGISTRY_DATA_OPTION, description: 'Data directory; made where it is missing' },
    maxConcurrentJobs: {
      type: integer(1, 1_000_000),
      description: 'Exports that may be under way at the same time',
      defaultText: "the server's limit",
      group: quotas,
    },
    maxPollsPerMinute: {
      type: integer(1, 1_000_000),
      description: 'Status requests per minute, for each export',
      defaultText: "the server's limit",
      group: quotas,
    },
    maxBytesPerDay: {
      type: size,
      description: 'Bytes of output files per day (UTC)',
      defaultText: "the server's limit",
      group: quotas,
    },
  },
  examples: [
    {
      line: 'flatfhir clients add --name wh --jwks jwks.json --scope "system/*.rs" --group "*" --data data',
      does: 'a client that may read everything',
    },
    {
      line: 'flatfhir clients add --name q --jwks-url https://q.example.org/jwks --scope "system/Patient.rs" --data data',
      does: 'a client that may read patients, and hosts its keys itself',
    },
  ],
  run: async (options, context) => {
    const { runClientsAdd } = await import('./run-clients-add.ts')
    return runClientsAdd(options, context)
  },
})
