import { BulkDataError } from '@flatfhir/protocol'

/** Algorithms of client assertions: the two that SMART names, and no others. */
export type AssertionAlgorithm = 'RS384' | 'ES384'

/** Both algorithms; also `token_endpoint_auth_signing_alg_values_supported`. */
export const ASSERTION_ALGORITHMS: readonly AssertionAlgorithm[] = ['RS384', 'ES384']

/** A public key that can verify a client assertion, reduced to the members that say so. */
export type PublicJwk =
  | {
      readonly kty: 'RSA'
      readonly kid: string
      readonly alg: 'RS384'
      readonly use: 'sig'
      readonly n: string
      readonly e: string
    }
  | {
      readonly kty: 'EC'
      readonly kid: string
      readonly alg: 'ES384'
      readonly use: 'sig'
      readonly crv: 'P-384'
      readonly x: string
      readonly y: string
    }

/** A set of public keys, as RFC 7517 section 5 has it. */
export interface PublicJwks {
  readonly keys: readonly PublicJwk[]
}

/** Why a JWK Set cannot be taken. */
export type JwksFault =
  | 'not-a-jwk-set'
  | 'too-many-keys'
  | 'private-key'
  | 'symmetric-key'
  | 'no-usable-key'
  | 'repeated-kid'

const FAULTS: Readonly<Record<JwksFault, readonly [string, string]>> = {
  'not-a-jwk-set': [
    'The keys are not a JWK Set',
    'Give a JSON object with a "keys" array of public keys.',
  ],
  'too-many-keys': ['The JWK Set has too many keys', 'Keep at most 100 keys in the set.'],
  'private-key': [
    'The JWK Set holds a private key',
    'Take it off the server, make a new key pair, and publish only its public half.',
  ],
  'symmetric-key': ['The JWK Set holds a symmetric key', 'Publish RSA or EC public keys only.'],
  'no-usable-key': [
    'The JWK Set has no key for RS384 or ES384 with a kid',
    'Add an RSA key of 2048 bits or more, or an EC key on P-384, each with a "kid".',
  ],
  'repeated-kid': [
    'Two keys of the JWK Set have the same kid and type',
    'Give each key a kid of its own.',
  ],
}

/** A JWK Set cannot be taken; nothing of its content is in the message. */
export class JwksInvalidError extends BulkDataError {
  readonly code = 'JWKS_INVALID'
  readonly retryable = false
  readonly fault: JwksFault

  constructor(fault: JwksFault) {
    const [message, nextStep] = FAULTS[fault]
    super(message, { nextStep })
    this.fault = fault
  }
}

const MAX_KEYS = 100
const MAX_KID_CHARACTERS = 256
/** 2048 bits in base64url, which is the least that RFC 7518 section 3.3 allows. */
const LEAST_MODULUS_CHARACTERS = 342
const MOST_MODULUS_CHARACTERS = 2731
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth']
const BASE64URL = /^[A-Za-z0-9_-]+$/

/**
 * Reads a JWK Set.
 *
 * Keys for other purposes (encryption, other algorithms, without `kid`) are passed over, as RFC 7517
 * section 5 asks. A private or symmetric key anywhere in it is a leak, and refuses the whole set.
 *
 * @throws {@link JwksInvalidError}; a set without any usable key is taken, and is empty.
 */
export function parsePublicJwks(value: unknown): PublicJwks {
  const members = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(members) || !members.every(isObject)) {
    throw new JwksInvalidError('not-a-jwk-set')
  }
  if (members.length > MAX_KEYS) throw new JwksInvalidError('too-many-keys')
  for (const jwk of members) {
    if (jwk['kty'] === 'oct' || 'k' in jwk) throw new JwksInvalidError('symmetric-key')
    if (PRIVATE_MEMBERS.some((name) => name in jwk)) throw new JwksInvalidError('private-key')
  }
  return { keys: members.map(publicJwkOf).filter((jwk) => jwk !== undefined) }
}

/**
 * Reads the JWK Set that a client registers, where a set without a usable key, or with an ambiguous
 * one, would only fail later.
 *
 * @throws {@link JwksInvalidError}
 */
export function parseRegistrationJwks(value: unknown): PublicJwks {
  const jwks = parsePublicJwks(value)
  if (jwks.keys.length === 0) throw new JwksInvalidError('no-usable-key')
  const names = new Set(jwks.keys.map(({ kid, kty }) => `${kty} ${kid}`))
  if (names.size < jwks.keys.length) throw new JwksInvalidError('repeated-kid')
  return jwks
}

/** @returns `undefined` for a key that cannot verify RS384 or ES384 signatures. */
export function publicJwkOf(jwk: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  const { kid, kty, alg } = jwk
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_CHARACTERS) return undefined
  if (!isForSignatures(jwk)) return undefined
  if (kty === 'RSA' && (alg === undefined || alg === 'RS384')) return rsaJwk(kid, jwk)
  if (kty === 'EC' && (alg === undefined || alg === 'ES384')) return ecJwk(kid, jwk)
  return undefined
}

function rsaJwk(kid: string, { n, e }: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  if (!isBase64url(n) || !isBase64url(e) || e.length > 8) return undefined
  if (n.length < LEAST_MODULUS_CHARACTERS || n.length > MOST_MODULUS_CHARACTERS) return undefined
  return { kty: 'RSA', kid, alg: 'RS384', use: 'sig', n, e }
}

function ecJwk(kid: string, jwk: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  const { crv, x, y } = jwk
  if (crv !== 'P-384' || !isBase64url(x) || !isBase64url(y)) return undefined
  if (x.length !== 64 || y.length !== 64) return undefined
  return { kty: 'EC', kid, alg: 'ES384', use: 'sig', crv, x, y }
}

function isForSignatures({ use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

function isBase64url(value: unknown): value is string {
  return typeof value === 'string' && BASE64URL.test(value)
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
