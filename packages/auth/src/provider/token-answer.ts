import type { AssertionFault } from './assertion-claims.ts'

/** The error codes of RFC 6749 section 5.2 that this endpoint gives, and the one for "later". */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'temporarily_unavailable'

/** Why a token was refused, for the audit log; finer than what the client is told. */
export type TokenRefusal =
  | AssertionFault
  | 'wrong-content-type'
  | 'request-too-large'
  | 'repeated-parameter'
  | 'no-grant-type'
  | 'unsupported-grant-type'
  | 'unsupported-authentication'
  | 'no-assertion'
  | 'wrong-assertion-type'
  | 'other-client-id'
  | 'no-scope'
  | 'nothing-granted'
  | 'too-many-requests'

/** What happened, for the audit log: no token, no assertion. */
export type TokenEvent =
  | {
      readonly kind: 'issued'
      readonly clientId: string
      readonly scopes: string
      readonly expiresAt: Date
    }
  | {
      readonly kind: 'refused'
      readonly reason: TokenRefusal
      /** A registered client that was named, not necessarily by itself: see `authenticated`. */
      readonly clientId?: string
      /** Whether the client's assertion was verified. */
      readonly authenticated: boolean
    }

/** The body of a 200. */
export interface TokenBody {
  readonly access_token: string
  readonly token_type: 'bearer'
  readonly expires_in: number
  readonly scope: string
}

/** The body of a refusal. */
export interface OAuthErrorBody {
  readonly error: OAuthError
  readonly error_description: string
}

/** What the token endpoint answers. */
export interface TokenAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** To be sent as JSON. */
  readonly body: TokenBody | OAuthErrorBody
  readonly event: TokenEvent
}

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  pragma: 'no-cache',
}

/** Who asked, as far as it is known. */
export interface Asker {
  readonly clientId: string
  readonly authenticated: boolean
}

/** The answer with a new token. */
export function issuedAnswer(
  body: TokenBody,
  event: TokenEvent & { readonly kind: 'issued' },
): TokenAnswer {
  return { status: 200, headers: HEADERS, body, event }
}

/** The answer without one. */
export function refusedAnswer(
  reason: TokenRefusal,
  asker?: Asker,
  headers: Readonly<Record<string, string>> = {},
): TokenAnswer {
  const [error, description] = REFUSALS[reason]
  return {
    status: statusOf(error, headers),
    headers: { ...HEADERS, ...headers },
    body: { error, error_description: description },
    event: {
      kind: 'refused',
      reason,
      authenticated: asker?.authenticated ?? false,
      ...(asker === undefined ? {} : { clientId: asker.clientId }),
    },
  }
}

/**
 * RFC 6749 section 5.2: 401 is a MUST only where the client used the `Authorization` header, else 400
 * is always right.
 */
function statusOf(error: OAuthError, headers: Readonly<Record<string, string>>): number {
  if (error === 'temporarily_unavailable') return 429
  return 'www-authenticate' in headers ? 401 : 400
}

/** The same words whether the client, its key or its signature is wrong: no hint for guessing. */
const NOT_AUTHENTICATED = 'The client or the key is not known, or the signature does not fit it'

const REFUSALS: Readonly<Record<TokenRefusal, readonly [OAuthError, string]>> = {
  'wrong-content-type': ['invalid_request', 'Send application/x-www-form-urlencoded'],
  'request-too-large': ['invalid_request', 'The request is too large'],
  'repeated-parameter': ['invalid_request', 'A parameter is given more than once'],
  'no-grant-type': ['invalid_request', 'The parameter grant_type is missing'],
  'unsupported-grant-type': ['unsupported_grant_type', 'Only client_credentials is supported'],
  'unsupported-authentication': [
    'invalid_client',
    'Only private_key_jwt, by client_assertion, is supported',
  ],
  'no-assertion': ['invalid_client', 'The parameter client_assertion is missing'],
  'wrong-assertion-type': [
    'invalid_client',
    'client_assertion_type is not urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  ],
  'other-client-id': ['invalid_client', "client_id is not the assertion's sub"],
  'no-scope': ['invalid_scope', 'The parameter scope is missing'],
  'nothing-granted': ['invalid_scope', 'None of the scopes is registered for this client'],
  'too-many-requests': ['temporarily_unavailable', 'Too many token requests'],
  malformed: ['invalid_client', 'The assertion is not a signed JWT'],
  'too-long': ['invalid_client', 'The assertion is too long'],
  'alg-not-allowed': ['invalid_client', 'alg is not RS384 or ES384'],
  'wrong-typ': ['invalid_client', 'typ is not JWT'],
  'no-kid': ['invalid_client', 'kid is missing'],
  'no-subject': ['invalid_client', 'sub is missing'],
  'issuer-is-not-subject': ['invalid_client', 'iss and sub are not the same'],
  'wrong-audience': ['invalid_client', 'aud is not the URL of this endpoint'],
  'no-expiry': ['invalid_client', 'exp is missing or not a number'],
  expired: ['invalid_client', 'The assertion has expired'],
  'expires-too-late': ['invalid_client', 'exp is more than five minutes ahead'],
  'not-yet-valid': ['invalid_client', 'nbf or iat lies ahead'],
  'no-jti': ['invalid_client', 'jti is missing'],
  'foreign-jku': ['invalid_client', 'jku is not the registered JWKS URL'],
  'keys-unavailable': ['invalid_client', "The client's JWK Set could not be read"],
  'ambiguous-key': ['invalid_client', 'Several keys of the JWK Set have this kid'],
  'unknown-client': ['invalid_client', NOT_AUTHENTICATED],
  'revoked-client': ['invalid_client', NOT_AUTHENTICATED],
  'unknown-key': ['invalid_client', NOT_AUTHENTICATED],
  'bad-signature': ['invalid_client', NOT_AUTHENTICATED],
  replayed: ['invalid_client', 'The assertion was used before'],
}
