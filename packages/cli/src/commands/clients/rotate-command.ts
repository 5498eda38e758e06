import { defineCommand, type Command } from '../command.ts'
import {
  CLIENT_ARGUMENT,
  CLIENT_KEYS_OPTIONS,
  REGISTRY_DATA_OPTION,
  type ClientKeysOptions,
} from './clients-options.ts'

/** Options of `flatfhir clients rotate`. */
export interface ClientsRotateOptions extends ClientKeysOptions {
  readonly id: string
  readonly data: string
}

/** `flatfhir clients rotate`: other keys for a client. */
export const CLIENTS_ROTATE_COMMAND: Command = defineCommand<ClientsRotateOptions>({
  name: 'clients rotate',
  summary: 'Replace the public keys of a client',
  description:
    'Replaces the keys of a registration by another JWK Set or JWKS URL. The old keys count no longer, unless the new set holds them too; access tokens live on until they expire.',
  options: { id: CLIENT_ARGUMENT, ...CLIENT_KEYS_OPTIONS, data: REGISTRY_DATA_OPTION },
  examples: [
    {
      line: 'flatfhir clients rotate ID --jwks jwks.json --data data',
      does: 'after flatfhir keys rotate',
    },
  ],
  run: async (options, context) => {
    const { runClientsRotate } = await import('./run-clients-change.ts')
    return runClientsRotate(options, context)
  },
})
