import type { AssertionAlgorithm, PublicJwks } from '../jwks/public-jwks.ts'
import { KeyInvalidError } from './errors.ts'
import type { PrivateKey } from './private-key.ts'

/** Which key of several is wanted. */
export interface KeyChoice {
  readonly kid?: string
  readonly algorithm?: AssertionAlgorithm
}

/**
 * The key that signs: the newest of those not retired; of equally old ones the first.
 *
 * @throws {@link KeyInvalidError} when there is none.
 */
export function signingKey(keys: readonly PrivateKey[], choice: KeyChoice = {}): PrivateKey {
  const { kid, algorithm } = choice
  const active = keys.filter((key) => key.retired === undefined)
  if (active.length === 0) throw new KeyInvalidError('no-active-key')
  const fitting = active.filter((key) => {
    return (kid ?? key.kid) === key.kid && (algorithm ?? key.algorithm) === key.algorithm
  })
  const [newest] = fitting.toSorted((a, b) => createdMs(b) - createdMs(a))
  if (newest === undefined) throw new KeyInvalidError('no-such-key')
  return newest
}

/** The JWK Set to host, or to hand to a provider: public halves, retired keys too. */
export function publicJwks(keys: readonly PrivateKey[]): PublicJwks {
  return { keys: keys.map((key) => key.publicJwk) }
}

function createdMs({ created }: PrivateKey): number {
  return created?.getTime() ?? 0
}
