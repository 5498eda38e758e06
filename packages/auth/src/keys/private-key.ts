import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type JWK,
  type JWTPayload,
} from 'jose'
import {
  isObject,
  publicJwkOf,
  type AssertionAlgorithm,
  type PublicJwk,
} from '../jwks/public-jwks.ts'
import { KeyInvalidError } from './errors.ts'

type Json = Readonly<Record<string, unknown>>

const RSA_MODULUS_BITS = 3072
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const

/** When a key was made and, if it was, replaced. */
export interface KeyTimes {
  readonly created?: Date | undefined
  /** From then on it signs nothing more; its public half may stay listed. */
  readonly retired?: Date | undefined
}

/**
 * A private key that signs client assertions.
 *
 * The secret is in no enumerable property: printing or serialising a `PrivateKey` shows its public
 * half. Only {@link PrivateKey.exportSecret} gives it out.
 */
export class PrivateKey {
  readonly kid: string
  readonly algorithm: AssertionAlgorithm
  readonly created: Date | undefined
  readonly retired: Date | undefined
  /** Ready to be published. */
  readonly publicJwk: PublicJwk
  readonly #secret: Readonly<Record<string, string>>

  private constructor(
    publicJwk: PublicJwk,
    secret: Readonly<Record<string, string>>,
    times: KeyTimes,
  ) {
    this.kid = publicJwk.kid
    this.algorithm = publicJwk.alg
    this.publicJwk = publicJwk
    this.created = times.created
    this.retired = times.retired
    this.#secret = secret
  }

  /** Makes a key pair: EC on P-384, or RSA of 3072 bits; its kid is its RFC 7638 thumbprint. */
  static async generate(algorithm: AssertionAlgorithm, created: Date): Promise<PrivateKey> {
    const pair = await generateKeyPair(algorithm, {
      extractable: true,
      modulusLength: RSA_MODULUS_BITS,
    })
    const jwk = await exportJWK(pair.privateKey)
    return PrivateKey.fromJwk({ ...jwk }, { created })
  }

  /**
   * Takes a private JWK. Without `alg` it is RS384 for RSA and ES384 for EC; without `kid` its
   * thumbprint.
   *
   * @throws {@link KeyInvalidError}
   */
  static async fromJwk(jwk: Json, times: KeyTimes = timesOf(jwk)): Promise<PrivateKey> {
    if (!('d' in jwk)) {
      throw new KeyInvalidError('kty' in jwk ? 'public-key-only' : 'not-a-key')
    }
    const kid = jwk['kid'] ?? (await thumbprint(jwk))
    // `key_ops` of a private key say "sign"; those of its public half would say "verify".
    const publicJwk = publicJwkOf({ ...jwk, kid, key_ops: undefined })
    if (publicJwk === undefined) throw new KeyInvalidError('unsupported-algorithm')
    const secret: Record<string, string> = {}
    for (const name of SECRET_MEMBERS) {
      const value = jwk[name]
      if (typeof value === 'string') secret[name] = value
    }
    const key = new PrivateKey(publicJwk, secret, times)
    await key.#import()
    return key
  }

  /** A copy that signs nothing more. */
  retire(retired: Date): PrivateKey {
    return new PrivateKey(this.publicJwk, this.#secret, { created: this.created, retired })
  }

  /** Signs a JWT with the header that SMART wants: `alg`, `kid`, `typ` JWT, and `jku` if given. */
  async signJwt(payload: JWTPayload, jku?: string): Promise<string> {
    const header = { alg: this.algorithm, kid: this.kid, typ: 'JWT' }
    return new SignJWT(payload)
      .setProtectedHeader(jku === undefined ? header : { ...header, jku })
      .sign(await this.#import())
  }

  /** The private JWK with its secret, for a file that only its owner can read. */
  exportSecret(): Readonly<Record<string, unknown>> {
    return {
      ...this.publicJwk,
      ...this.#secret,
      key_ops: ['sign'],
      ...(this.created === undefined ? {} : { created: this.created.toISOString() }),
      ...(this.retired === undefined ? {} : { retired: this.retired.toISOString() }),
    }
  }

  toJSON(): PublicJwk {
    return this.publicJwk
  }

  async #import(): Promise<Exclude<Awaited<ReturnType<typeof importJWK>>, Uint8Array>> {
    try {
      const jwk: JWK = { ...this.publicJwk, ...this.#secret }
      const key = await importJWK(jwk, this.algorithm)
      if (!(key instanceof Uint8Array)) return key
    } catch {
      // Said below, without the parser's words.
    }
    throw new KeyInvalidError('broken-key')
  }
}

async function thumbprint(jwk: Json): Promise<string> {
  try {
    return await calculateJwkThumbprint(jwk)
  } catch {
    throw new KeyInvalidError('unsupported-algorithm')
  }
}

function timesOf(jwk: Json): KeyTimes {
  return { created: dateOf(jwk['created']), retired: dateOf(jwk['retired']) }
}

function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Whether a JSON value could be a key. */
export function isJwk(value: unknown): value is Json {
  return isObject(value) && typeof value['kty'] === 'string'
}
