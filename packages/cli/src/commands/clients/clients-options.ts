import type { OptionDefinition } from '../../options/option-table.ts'
import { path, text } from '../../options/value-types.ts'

/** Heading of the options of `flatfhir clients`. */
export const CLIENTS_GROUP = 'Clients:'

/** Where the registry is. */
export const REGISTRY_DATA_OPTION: OptionDefinition<string> = {
  type: path('DIR'),
  description: 'Data directory of the server',
  required: true,
  group: CLIENTS_GROUP,
}

/** The client that a command is about. */
export const CLIENT_ARGUMENT: OptionDefinition<string> = {
  type: text('ID'),
  description: 'Client id, as clients add has printed it',
  required: true,
  argument: true,
  group: CLIENTS_GROUP,
}

/** The public keys of a client: one of two. */
export interface ClientKeysOptions {
  readonly jwks: string | undefined
  readonly jwksUrl: string | undefined
}

/** The table of {@link ClientKeysOptions}. */
export const CLIENT_KEYS_OPTIONS: {
  readonly [K in keyof ClientKeysOptions]-?: OptionDefinition<ClientKeysOptions[K]>
} = {
  jwks: {
    type: path('FILE'),
    description: "The client's public JWK Set, which is copied into the registration",
    exclusive: 'keys',
    group: CLIENTS_GROUP,
  },
  jwksUrl: {
    type: text('URL'),
    description: "Where the client's public JWK Set is fetched, so that it can rotate its keys",
    exclusive: 'keys',
    group: CLIENTS_GROUP,
  },
}
