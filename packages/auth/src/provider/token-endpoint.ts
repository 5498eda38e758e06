import type { RemoteJwks } from '../jwks/remote-jwks.ts'
import { grantScopes, type SupportsConstraint } from '../scopes/grant-scopes.ts'
import { hashAccessToken, newAccessToken } from './access-token.ts'
import type { AccessTokenStore } from './access-token-store.ts'
import { addressKey } from './address-key.ts'
import type { AssertionReplayStore } from './assertion-replay-store.ts'
import { AssertionVerifier } from './assertion-verifier.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { RegisteredClient } from './registered-client.ts'
import { issuedAnswer, refusedAnswer, type TokenAnswer, type TokenRefusal } from './token-answer.ts'
import { TokenBuckets } from './token-buckets.ts'

/** A token request, taken apart by whatever speaks HTTP. */
export interface TokenRequest {
  /** The `Content-Type` header. */
  readonly contentType: string | undefined
  /** The body; at most 64 KiB of it are looked at. */
  readonly form: URLSearchParams
  readonly authorizationHeader?: string | undefined
  /** The peer's IP address, as trusted by the server's proxy settings. */
  readonly address: string
}

/** What {@link TokenEndpoint} works with. */
export interface TokenEndpointOptions {
  /** Absolute URL of the endpoint, to the letter as `.well-known/smart-configuration` gives it. */
  readonly tokenUrl: string
  readonly clients: ClientRegistry
  readonly tokens: AccessTokenStore
  readonly replays: AssertionReplayStore
  readonly remoteJwks: RemoteJwks
  readonly now: () => Date
  /**
   * Which constraints of scopes the server honours.
   *
   * @defaultValue none: constrained scopes are not granted
   */
  readonly supportsConstraint?: SupportsConstraint
  /** @defaultValue node:crypto's */
  readonly randomBytes?: (size: number) => Buffer
  /**
   * From 1 to 3600; SMART recommends 300, and SHOULD NOT be more.
   *
   * @defaultValue 300
   */
  readonly tokenLifetimeSeconds?: number
  /**
   * Requests that one address (IPv6: one /64) may send per minute, good or bad.
   *
   * @defaultValue 300
   */
  readonly maxRequestsPerMinuteAndAddress?: number
  /**
   * Tokens that one client may ask for per minute.
   *
   * @defaultValue 120
   */
  readonly maxRequestsPerMinuteAndClient?: number
}

const FORM_TYPE = /^application\/x-www-form-urlencoded *(;|$)/i
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const MAX_FORM_CHARACTERS = 64 * 1024
const DEFAULT_LIFETIME_SECONDS = 300
const LONGEST_LIFETIME_SECONDS = 3600
const DEFAULT_PER_ADDRESS = 300
const DEFAULT_PER_CLIENT = 120
const SWEEP_INTERVAL_MS = 60_000

/**
 * The token endpoint of SMART Backend Services.
 *
 * An address is counted whatever it sends. A client is counted only once its assertion is verified:
 * otherwise anybody who knows a client's id could lock it out.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services}
 */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions
  readonly #lifetimeSeconds: number
  readonly #verifier: AssertionVerifier
  readonly #addresses: TokenBuckets
  readonly #clients: TokenBuckets
  #sweptAtMs = -Infinity

  /** @throws RangeError for a lifetime outside its range. */
  constructor(options: TokenEndpointOptions) {
    const { now, tokenLifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = options
    const isInRange = tokenLifetimeSeconds >= 1 && tokenLifetimeSeconds <= LONGEST_LIFETIME_SECONDS
    if (!Number.isInteger(tokenLifetimeSeconds) || !isInRange) {
      throw new RangeError(`tokenLifetimeSeconds is not from 1 to ${LONGEST_LIFETIME_SECONDS}`)
    }
    this.#options = options
    this.#lifetimeSeconds = tokenLifetimeSeconds
    this.#verifier = new AssertionVerifier(options)
    const perAddress = options.maxRequestsPerMinuteAndAddress ?? DEFAULT_PER_ADDRESS
    this.#addresses = new TokenBuckets({ now, perMinute: perAddress })
    const perClient = options.maxRequestsPerMinuteAndClient ?? DEFAULT_PER_CLIENT
    this.#clients = new TokenBuckets({ now, perMinute: perClient })
  }

  /**
   * Answers one request. Rejects only when a store fails; a bad request is an answer.
   */
  async handle(request: TokenRequest): Promise<TokenAnswer> {
    const waitSeconds = this.#addresses.take(addressKey(request.address))
    if (waitSeconds > 0) return tooMany(waitSeconds)
    const refusal = formRefusal(request)
    if (refusal !== undefined) return refusedAnswer(refusal)
    if (request.authorizationHeader !== undefined) {
      // RFC 6749 section 5.2: 401 and a challenge for whoever used the header.
      const challenge = { 'www-authenticate': 'Basic realm="token"' }
      return refusedAnswer('unsupported-authentication', undefined, challenge)
    }
    const noAssertion = assertionRefusal(request.form)
    if (noAssertion !== undefined) return refusedAnswer(noAssertion)
    await this.#sweep()
    return this.#authenticate(request.form)
  }

  async #authenticate(form: URLSearchParams): Promise<TokenAnswer> {
    const assertion = form.get('client_assertion') ?? ''
    const verified = await this.#verifier.verify(assertion)
    if (!verified.ok) {
      const { claimedClientId: clientId, fault } = verified
      return refusedAnswer(fault, clientId === undefined ? undefined : unproven(clientId))
    }
    const { client, claims } = verified
    const asker = { clientId: client.clientId, authenticated: true }
    const namedClient = form.get('client_id')
    if (namedClient !== null && namedClient !== client.clientId) {
      return refusedAnswer('other-client-id', asker)
    }
    const waitSeconds = this.#clients.take(client.clientId)
    if (waitSeconds > 0) return tooMany(waitSeconds, client.clientId)
    if (!(await this.#verifier.useOnce(claims))) return refusedAnswer('replayed', asker)
    return this.#grant(client, form.get('scope') ?? '')
  }

  async #grant(client: RegisteredClient, scope: string): Promise<TokenAnswer> {
    const { clientId } = client
    const asker = { clientId, authenticated: true }
    if (scope.trim() === '') return refusedAnswer('no-scope', asker)
    const { text } = grantScopes(scope, client.scopes, this.#options.supportsConstraint)
    if (text === '') return refusedAnswer('nothing-granted', asker)
    const token = newAccessToken(this.#options.randomBytes)
    const expiresAt = new Date(this.#options.now().getTime() + this.#lifetimeSeconds * 1000)
    const stored = { hash: hashAccessToken(token), clientId, scopes: text, expiresAt }
    await this.#options.tokens.save(stored)
    return issuedAnswer(
      {
        access_token: token,
        token_type: 'bearer',
        expires_in: this.#lifetimeSeconds,
        scope: text,
      },
      { kind: 'issued', clientId, scopes: text, expiresAt },
    )
  }

  /** Keeps the stores small, at most once a minute. */
  async #sweep(): Promise<void> {
    const now = this.#options.now()
    if (now.getTime() - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = now.getTime()
    await Promise.all([this.#options.tokens.sweep(now), this.#options.replays.sweep(now)])
  }
}

/** RFC 6749 section 3.2: parameters SHALL NOT repeat; and an unknown grant comes before the client. */
function formRefusal({ contentType, form }: TokenRequest): TokenRefusal | undefined {
  if (!FORM_TYPE.test(contentType?.trim() ?? '')) return 'wrong-content-type'
  let characters = 0
  for (const [name, value] of form) characters += name.length + value.length
  if (characters > MAX_FORM_CHARACTERS) return 'request-too-large'
  const names = [...form.keys()]
  if (new Set(names).size < names.length) return 'repeated-parameter'
  const grantType = form.get('grant_type') ?? ''
  if (grantType === '') return 'no-grant-type'
  if (grantType !== 'client_credentials') return 'unsupported-grant-type'
  return undefined
}

function assertionRefusal(form: URLSearchParams): TokenRefusal | undefined {
  if (form.has('client_secret')) return 'unsupported-authentication'
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) return 'wrong-assertion-type'
  return (form.get('client_assertion') ?? '') === '' ? 'no-assertion' : undefined
}

function unproven(clientId: string): { clientId: string; authenticated: boolean } {
  return { clientId, authenticated: false }
}

function tooMany(waitSeconds: number, clientId?: string): TokenAnswer {
  const asker = clientId === undefined ? undefined : { clientId, authenticated: true }
  return refusedAnswer('too-many-requests', asker, { 'retry-after': String(waitSeconds) })
}
