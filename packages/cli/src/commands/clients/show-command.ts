import { defineCommand, type Command } from '../command.ts'
import { CLIENT_ARGUMENT, REGISTRY_DATA_OPTION } from './clients-options.ts'

/** Options of `flatfhir clients show`. */
export interface ClientsShowOptions {
  readonly id: string
  readonly data: string
}

/** `flatfhir clients show`: one registration. */
export const CLIENTS_SHOW_COMMAND: Command = defineCommand<ClientsShowOptions>({
  name: 'clients show',
  summary: 'Show the registration of one client',
  description: 'Shows what a client is registered with: keys, scopes, Groups, quotas.',
  options: { id: CLIENT_ARGUMENT, data: REGISTRY_DATA_OPTION },
  examples: [{ line: 'flatfhir clients show ID --data data', does: 'one registration' }],
  run: async (options, context) => {
    const { runClientsShow } = await import('./run-clients-read.ts')
    return runClientsShow(options, context)
  },
})
