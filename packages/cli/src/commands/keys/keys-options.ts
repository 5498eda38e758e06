import type { OptionDefinition } from '../../options/option-table.ts'
import { path } from '../../options/value-types.ts'

/** Heading of the options of `flatfhir keys`. */
export const KEYS_GROUP = 'Keys:'

/** The file of private keys that a command is about. */
export const KEY_FILE_ARGUMENT: OptionDefinition<string> = {
  type: path('FILE'),
  description: 'File of the private keys',
  required: true,
  argument: true,
  group: KEYS_GROUP,
}

/** Where the public half goes. */
export const JWKS_OUT_OPTION: OptionDefinition<string | undefined> = {
  type: path('FILE'),
  description: 'Write the public JWK Set, ready to be hosted, to this file',
  defaultText: 'stdout',
  group: KEYS_GROUP,
}
