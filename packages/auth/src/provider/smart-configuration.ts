import { ASSERTION_ALGORITHMS } from '../jwks/public-jwks.ts'

/** The document at `.well-known/smart-configuration`. */
export interface SmartConfiguration {
  readonly token_endpoint: string
  readonly token_endpoint_auth_methods_supported: readonly string[]
  readonly token_endpoint_auth_signing_alg_values_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
  readonly scopes_supported: readonly string[]
  readonly response_types_supported: readonly string[]
  readonly code_challenge_methods_supported: readonly string[]
  readonly capabilities: readonly string[]
}

/** What the document says of one server. */
export interface SmartConfigurationOptions {
  /** Absolute; the same text that assertions have to name as `aud`. */
  readonly tokenUrl: string
  /** @defaultValue the wildcard scopes of both syntaxes */
  readonly scopes?: readonly string[]
}

const DEFAULT_SCOPES = ['system/*.rs', 'system/*.cruds', 'system/*.read', 'system/*.*']

/**
 * The SMART configuration of a server that offers Backend Services and nothing else.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#metadata | SMART: metadata}
 */
export function smartConfiguration(options: SmartConfigurationOptions): SmartConfiguration {
  return {
    token_endpoint: options.tokenUrl,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: ['client_credentials'],
    scopes_supported: options.scopes ?? DEFAULT_SCOPES,
    // Both are required members; without an authorization endpoint there is nothing to name but S256.
    response_types_supported: [],
    code_challenge_methods_supported: ['S256'],
    capabilities: ['client-confidential-asymmetric', 'permission-v1', 'permission-v2'],
  }
}
