import { defineCommand, type Command } from '../command.ts'
import { CLIENT_ARGUMENT, REGISTRY_DATA_OPTION } from './clients-options.ts'

/** Options of `flatfhir clients revoke`. */
export interface ClientsRevokeOptions {
  readonly id: string
  readonly data: string
}

/** `flatfhir clients revoke`: the end of a client. */
export const CLIENTS_REVOKE_COMMAND: Command = defineCommand<ClientsRevokeOptions>({
  name: 'clients revoke',
  summary: 'End a client for good, with all its access tokens',
  description:
    'Ends a client at once: it gets no more tokens, and those that it has are worth nothing, also at a server that runs. It cannot be undone; register the client anew instead.',
  options: { id: CLIENT_ARGUMENT, data: REGISTRY_DATA_OPTION },
  examples: [{ line: 'flatfhir clients revoke ID --data data', does: 'its key was lost, say' }],
  run: async (options, context) => {
    const { runClientsRevoke } = await import('./run-clients-change.ts')
    return runClientsRevoke(options, context)
  },
})
