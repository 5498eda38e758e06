import { defineCommand, type Command } from '../command.ts'
import { JWKS_OUT_OPTION, KEY_FILE_ARGUMENT } from './keys-options.ts'

/** Options of `flatfhir keys show`. */
export interface KeysShowOptions {
  readonly key: string
  readonly jwksOut: string | undefined
}

/** `flatfhir keys show`: the public half of a file of keys. */
export const KEYS_SHOW_COMMAND: Command = defineCommand<KeysShowOptions>({
  name: 'keys show',
  summary: 'Print the public JWK Set of a file of keys',
  description:
    'Reads a file of private keys (a JWK, a JWK Set, or a PEM in PKCS#8) and prints the public JWK Set, retired keys included as long as they are in the file. Never prints anything secret.',
  options: { key: KEY_FILE_ARGUMENT, jwksOut: JWKS_OUT_OPTION },
  examples: [{ line: 'flatfhir keys show my-keys.json > jwks.json', does: 'the JWK Set to host' }],
  run: async (options, context) => {
    const { runKeysShow } = await import('./run-keys.ts')
    return runKeysShow(options, context)
  },
})
