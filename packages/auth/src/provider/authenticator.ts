import { ScopeSet } from '../scopes/scope-set.ts'
import { hashAccessToken } from './access-token.ts'
import type { AccessTokenStore } from './access-token-store.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { RegisteredClient } from './registered-client.ts'

/** Why a presented token is worth nothing. */
export type TokenFault = 'malformed' | 'unknown' | 'expired' | 'revoked'

/** Who sends a request. */
export type Authentication =
  | {
      readonly state: 'authenticated'
      readonly client: RegisteredClient
      readonly scopes: ScopeSet
      readonly expiresAt: Date
    }
  | { readonly state: 'missing' }
  | { readonly state: 'invalid'; readonly fault: TokenFault }

/** What {@link Authenticator} looks into. */
export interface AuthenticatorOptions {
  readonly clients: ClientRegistry
  readonly tokens: AccessTokenStore
  readonly now: () => Date
}

/** No token of ours, and no longer one, can look otherwise; the rest never reaches the store. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]{1,512}=*)$/i

/** Finds out from the `Authorization` header who sends a request. */
export class Authenticator {
  readonly #options: AuthenticatorOptions

  constructor(options: AuthenticatorOptions) {
    this.#options = options
  }

  /**
   * Reads the header. A header of another scheme than Bearer is `missing`: no token was given.
   *
   * @see RFC 6750 section 2.1
   */
  async authenticate(authorizationHeader: string | undefined): Promise<Authentication> {
    const header = authorizationHeader?.trim() ?? ''
    if (!/^bearer( |$)/i.test(header)) return { state: 'missing' }
    const token = BEARER.exec(header)?.[1]
    if (token === undefined) return { state: 'invalid', fault: 'malformed' }
    const { clients, tokens, now } = this.#options
    const stored = await tokens.find(hashAccessToken(token))
    if (stored === undefined) return { state: 'invalid', fault: 'unknown' }
    if (stored.expiresAt.getTime() <= now().getTime()) return { state: 'invalid', fault: 'expired' }
    const client = await clients.find(stored.clientId)
    if (client === undefined || client.revokedAt !== undefined) {
      return { state: 'invalid', fault: 'revoked' }
    }
    const { expiresAt } = stored
    return { state: 'authenticated', client, scopes: ScopeSet.parse(stored.scopes), expiresAt }
  }
}

/**
 * The `WWW-Authenticate` of a refusal: 401 for `missing` and `invalid`, 403 for too few scopes.
 *
 * @see RFC 6750 section 3
 */
export function bearerChallenge(problem: 'missing' | 'invalid' | 'insufficient-scope'): string {
  if (problem === 'missing') return 'Bearer realm="fhir"'
  const error = problem === 'invalid' ? 'invalid_token' : 'insufficient_scope'
  return `Bearer realm="fhir", error="${error}"`
}
