import { duration, flag } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { JWKS_OUT_OPTION, KEY_FILE_ARGUMENT, KEYS_GROUP } from './keys-options.ts'

/** Options of `flatfhir keys rotate`. */
export interface KeysRotateOptions {
  readonly key: string
  readonly overlap: number
  readonly dropOnly: boolean
  readonly jwksOut: string | undefined
}

const WEEK_MS = 7 * 24 * 3_600_000

/** `flatfhir keys rotate`: new keys, the old ones still listed. */
export const KEYS_ROTATE_COMMAND: Command = defineCommand<KeysRotateOptions>({
  name: 'keys rotate',
  summary: 'Replace the keys of a file, the old ones staying listed for a while',
  description:
    'Makes a new key for every algorithm in use, which signs from now on. The old keys sign nothing more, but stay in the JWK Set for the overlap, so that providers which remember the old set go on working. Publish the printed set where providers fetch it, or hand it to providers that hold a copy, before the next login.',
  options: {
    key: KEY_FILE_ARGUMENT,
    overlap: {
      type: duration,
      description: 'How long a retired key stays listed; those beyond it are taken off now',
      default: WEEK_MS,
      group: KEYS_GROUP,
    },
    dropOnly: {
      type: flag,
      description: 'Make no new key; only take off retired keys whose overlap is over',
      default: false,
      group: KEYS_GROUP,
    },
    jwksOut: JWKS_OUT_OPTION,
  },
  examples: [
    {
      line: 'flatfhir keys rotate my-keys.json --jwks-out jwks.json',
      does: 'new keys, and the JWK Set with both',
    },
    {
      line: 'flatfhir keys rotate my-keys.json --drop-only --overlap 24h > jwks.json',
      does: 'the JWK Set without keys that were retired more than a day ago',
    },
  ],
  run: async (options, context) => {
    const { runKeysRotate } = await import('./run-keys.ts')
    return runKeysRotate(options, context)
  },
})
