import { compactVerify, errors, importJWK } from 'jose'
import type { PublicJwk } from '../jwks/public-jwks.ts'
import type { RemoteJwks } from '../jwks/remote-jwks.ts'
import { readAssertion, type AssertionClaims, type AssertionFault } from './assertion-claims.ts'
import type { AssertionReplayStore } from './assertion-replay-store.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { RegisteredClient } from './registered-client.ts'

/** What {@link AssertionVerifier} decides. */
export type VerifiedAssertion =
  | { readonly ok: true; readonly client: RegisteredClient; readonly claims: AssertionClaims }
  | {
      readonly ok: false
      readonly fault: AssertionFault
      /** Of a registered client that the assertion names, though nothing proves that it sent it. */
      readonly claimedClientId?: string
    }

/** What {@link AssertionVerifier} looks into. */
export interface AssertionVerifierOptions {
  /** The token URL, to the letter: what `aud` has to be. */
  readonly tokenUrl: string
  readonly clients: ClientRegistry
  readonly replays: AssertionReplayStore
  readonly remoteJwks: RemoteJwks
  readonly now: () => Date
}

/**
 * Authenticates clients by `private_key_jwt`.
 *
 * Form and claims first, which cost nothing; then the client, its keys, the signature; and only of
 * an assertion with a good signature is the `jti` used up, so that nobody can spend another's.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#signature-verification | SMART: signature verification}
 */
export class AssertionVerifier {
  readonly #options: AssertionVerifierOptions

  constructor(options: AssertionVerifierOptions) {
    this.#options = options
  }

  /** Checks all but whether the assertion was used before. */
  async verify(assertion: string): Promise<VerifiedAssertion> {
    const { tokenUrl, clients, now } = this.#options
    const read = readAssertion(assertion, tokenUrl, now())
    if (!read.ok) return read
    const { claims } = read
    const client = await clients.find(claims.clientId)
    if (client === undefined) return { ok: false, fault: 'unknown-client' }
    const fault =
      client.revokedAt === undefined
        ? await this.#signatureFault(assertion, claims, client)
        : 'revoked-client'
    if (fault === undefined) return { ok: true, client, claims }
    return { ok: false, fault, claimedClientId: client.clientId }
  }

  /** @returns `true` for the first use of a verified assertion. */
  useOnce({ clientId, jti, acceptedUntil }: AssertionClaims): Promise<boolean> {
    const { replays, now } = this.#options
    return replays.useOnce({ issuer: clientId, jti, expiresAt: acceptedUntil }, now())
  }

  async #signatureFault(
    assertion: string,
    claims: AssertionClaims,
    { keys }: RegisteredClient,
  ): Promise<AssertionFault | undefined> {
    const { jku, kid, algorithm } = claims
    // SMART: a `jku` has to be the registered URL; it is never a place to look for keys by itself.
    if (jku !== undefined && (keys.kind !== 'jwks-url' || keys.jwksUrl !== jku)) {
      return 'foreign-jku'
    }
    const available = keys.kind === 'jwks' ? keys.jwks.keys : await this.#fetch(keys.jwksUrl, kid)
    if (available === undefined) return 'keys-unavailable'
    const matching = available.filter((key) => key.kid === kid && key.alg === algorithm)
    const [key] = matching
    if (key === undefined) return 'unknown-key'
    // SMART: verification fails when more than one key has the kid and a fitting type.
    if (matching.length > 1) return 'ambiguous-key'
    return (await isSignedBy(assertion, key)) ? undefined : 'bad-signature'
  }

  async #fetch(jwksUrl: string, kid: string): Promise<readonly PublicJwk[] | undefined> {
    try {
      return await this.#options.remoteJwks.keysFor(jwksUrl, kid)
    } catch {
      return undefined
    }
  }
}

async function isSignedBy(assertion: string, key: PublicJwk): Promise<boolean> {
  try {
    await compactVerify(assertion, await importJWK({ ...key }, key.alg), { algorithms: [key.alg] })
    return true
  } catch (error) {
    // A key that is no point of its curve is as good as none; the rest are defects.
    const isExpected = error instanceof errors.JOSEError || isBadKey(error)
    if (isExpected) return false
    throw error
  }
}

function isBadKey(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'DataError')
}
