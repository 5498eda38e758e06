import { defineCommand, type Command } from '../command.ts'
import { REGISTRY_DATA_OPTION } from './clients-options.ts'

/** Options of `flatfhir clients list`. */
export interface ClientsListOptions {
  readonly data: string
}

/** `flatfhir clients list`: who is registered. */
export const CLIENTS_LIST_COMMAND: Command = defineCommand<ClientsListOptions>({
  name: 'clients list',
  summary: 'List the registered clients',
  description: 'Lists all clients of the server, revoked ones too, in the order of registration.',
  options: { data: REGISTRY_DATA_OPTION },
  examples: [{ line: 'flatfhir clients list --data data', does: 'a table of them' }],
  run: async (options, context) => {
    const { runClientsList } = await import('./run-clients-read.ts')
    return runClientsList(options, context)
  },
})
