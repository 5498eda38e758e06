import { BulkDataError } from '@flatfhir/protocol'

/** What of the client's own settings cannot be used. */
export type LoginSettingFault = 'token-url' | 'fhir-base-url' | 'client-id' | 'jku'

const SETTINGS: Readonly<Record<LoginSettingFault, string>> = {
  'token-url': 'The token URL is not an https URL',
  'fhir-base-url': 'The FHIR base URL is not an http or https URL',
  'client-id': 'The client id is empty, or not printable',
  jku: 'The JWKS URL is not an https URL',
}

/** A setting of the login cannot be used. */
export class LoginSettingInvalidError extends BulkDataError {
  readonly code = 'LOGIN_SETTING_INVALID'
  readonly retryable = false
  readonly fault: LoginSettingFault

  constructor(fault: LoginSettingFault) {
    super(SETTINGS[fault], { nextStep: 'Correct the setting; http is only for this machine.' })
    this.fault = fault
  }
}

/** The error codes that a token endpoint may give and that are worth telling. */
export type TokenErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'

const REFUSED_STEPS: Readonly<Record<TokenErrorCode, string>> = {
  invalid_request: "Check the login settings against the provider's documentation.",
  invalid_client:
    'Check the client id and the token URL, that the provider has the public key, and the clock.',
  invalid_grant: 'Check that the provider registered this client for Backend Services.',
  unauthorized_client: 'Ask the provider to register this client for client_credentials.',
  unsupported_grant_type: 'Check that the token URL is that of SMART Backend Services.',
  invalid_scope: 'Ask for fewer scopes, or ask the provider to grant more to this client.',
}

/** Reads the `error` of a refusal; what is not in the table may hold anything, and is dropped. */
export function tokenErrorCode(value: unknown): TokenErrorCode | undefined {
  return typeof value === 'string' && Object.hasOwn(REFUSED_STEPS, value)
    ? (value as TokenErrorCode)
    : undefined
}

/** The token endpoint refused a token. */
export class TokenRefusedError extends BulkDataError {
  readonly code = 'TOKEN_REFUSED'
  readonly retryable: boolean
  readonly status: number
  readonly oauthError: TokenErrorCode | undefined

  constructor(status: number, oauthError?: TokenErrorCode) {
    const word = oauthError === undefined ? '' : ` (${oauthError})`
    super(`The token endpoint refused a token with HTTP ${status}${word}`, {
      nextStep:
        oauthError === undefined
          ? 'Check the token URL and the login settings, then run again.'
          : REFUSED_STEPS[oauthError],
    })
    this.status = status
    this.oauthError = oauthError
    this.retryable = status === 429 || status >= 500
  }
}

/** The token endpoint could not be reached, as often as it was tried. */
export class TokenEndpointUnreachableError extends BulkDataError {
  readonly code = 'TOKEN_ENDPOINT_UNREACHABLE'
  readonly retryable = true
  /** Scheme, host and port. */
  readonly origin: string
  /** Node's or undici's name of the failure, for example `ECONNREFUSED`. */
  readonly reason: string

  constructor(origin: string, reason: string) {
    super(`The token endpoint cannot be reached (${reason}): ${origin}`, {
      nextStep: 'Check the token URL, the network and the certificate, then run again.',
    })
    this.origin = origin
    this.reason = reason
  }
}

/** The token endpoint answered 200 without a usable token. */
export class TokenAnswerInvalidError extends BulkDataError {
  readonly code = 'TOKEN_ANSWER_INVALID'
  readonly retryable = false

  constructor() {
    super('The token endpoint answered without a usable bearer token', {
      nextStep: 'Check that the token URL is that of SMART Backend Services.',
    })
  }
}

/** Nothing at a FHIR base URL says where its token endpoint is. */
export class DiscoveryFailedError extends BulkDataError {
  readonly code = 'SMART_DISCOVERY_FAILED'
  readonly retryable: boolean
  readonly fault: 'unreachable' | 'not-found' | 'insecure-token-url'

  constructor(fault: DiscoveryFailedError['fault'], origin: string) {
    super(`${DISCOVERY_FAULTS[fault]}: ${origin}`, {
      nextStep: 'Check the FHIR base URL, or give the token URL yourself.',
    })
    this.fault = fault
    this.retryable = fault === 'unreachable'
  }
}

const DISCOVERY_FAULTS: Readonly<Record<DiscoveryFailedError['fault'], string>> = {
  unreachable: 'The server cannot be reached',
  'not-found': 'The server does not say where its token endpoint is',
  'insecure-token-url': 'The server names a token endpoint that is not protected by https',
}
