import type { AssertionAlgorithm } from '@flatfhir/auth'
import { choices } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { JWKS_OUT_OPTION, KEY_FILE_ARGUMENT, KEYS_GROUP } from './keys-options.ts'

/** Options of `flatfhir keys create`. */
export interface KeysCreateOptions {
  readonly key: string
  readonly alg: readonly AssertionAlgorithm[]
  readonly jwksOut: string | undefined
}

/** `flatfhir keys create`: key pairs to log in with. */
export const KEYS_CREATE_COMMAND: Command = defineCommand<KeysCreateOptions>({
  name: 'keys create',
  summary: 'Make key pairs to log in with',
  description:
    'Makes a key pair for each algorithm. The private keys go to a file that only its owner can read and that is never overwritten; the public JWK Set, which you register with a provider or host at a URL, is printed.',
  options: {
    key: KEY_FILE_ARGUMENT,
    alg: {
      type: choices<AssertionAlgorithm>('ES384', 'RS384'),
      description: 'One key for each algorithm named; repeated or with commas',
      default: ['ES384'],
      group: KEYS_GROUP,
    },
    jwksOut: JWKS_OUT_OPTION,
  },
  examples: [
    {
      line: 'flatfhir keys create my-keys.json --jwks-out jwks.json',
      does: 'an ES384 key, and the JWK Set to register',
    },
    {
      line: 'flatfhir keys create my-keys.json --alg ES384,RS384 > jwks.json',
      does: 'one key of each kind',
    },
  ],
  run: async (options, context) => {
    const { runKeysCreate } = await import('./run-keys.ts')
    return runKeysCreate(options, context)
  },
})
