export { systemClock, type Clock } from './clock.ts'
export { isLoopbackHost, parseProtectedUrl } from './protected-url.ts'

export {
  constraintQuery,
  formatSystemScope,
  INTERACTIONS,
  parseSystemScope,
  splitScopes,
  type Interaction,
  type ParsedScope,
  type ScopeConstraint,
  type ScopeFault,
  type ScopeStyle,
  type SystemScope,
} from './scopes/system-scope.ts'
export {
  grantScopes,
  type ScopeGrant,
  type ScopeRefusal,
  type SupportsConstraint,
} from './scopes/grant-scopes.ts'
export { ScopeSet } from './scopes/scope-set.ts'
export { scopesFor, scopeStyleOf, type ExportScopesRequest } from './scopes/export-scopes.ts'

export {
  ASSERTION_ALGORITHMS,
  JwksInvalidError,
  parsePublicJwks,
  parseRegistrationJwks,
  type AssertionAlgorithm,
  type JwksFault,
  type PublicJwk,
  type PublicJwks,
} from './jwks/public-jwks.ts'
export { JwksUnavailableError, type JwksUnavailableFault } from './jwks/jwks-unavailable-error.ts'
export {
  fetchJwks,
  type FetchedJwks,
  type FetchJwksOptions,
  type Lookup,
} from './jwks/fetch-jwks.ts'
export { RemoteJwks, type RemoteJwksOptions } from './jwks/remote-jwks.ts'

export {
  mayUseGroup,
  type ClientKeys,
  type ClientQuotas,
  type RegisteredClient,
} from './provider/registered-client.ts'
export {
  newRegistration,
  registeredKeys,
  RegistrationInvalidError,
  type RegistrationFault,
  type RegistrationKeys,
  type RegistrationOptions,
  type RegistrationRequest,
} from './provider/new-registration.ts'
export type { ClientRegistry } from './provider/client-registry.ts'
export type { AccessTokenStore, StoredAccessToken } from './provider/access-token-store.ts'
export type { AssertionReplayStore, AssertionUse } from './provider/assertion-replay-store.ts'
export { hashAccessToken } from './provider/access-token.ts'
export type { AssertionFault } from './provider/assertion-claims.ts'
export {
  TokenEndpoint,
  type TokenEndpointOptions,
  type TokenRequest,
} from './provider/token-endpoint.ts'
export type {
  OAuthError,
  OAuthErrorBody,
  TokenAnswer,
  TokenBody,
  TokenEvent,
  TokenRefusal,
} from './provider/token-answer.ts'
export { addressKey } from './provider/address-key.ts'
export { TokenBuckets, type TokenBucketsOptions } from './provider/token-buckets.ts'
export {
  Authenticator,
  bearerChallenge,
  type Authentication,
  type AuthenticatorOptions,
  type TokenFault,
} from './provider/authenticator.ts'
export {
  smartConfiguration,
  type SmartConfiguration,
  type SmartConfigurationOptions,
} from './provider/smart-configuration.ts'

export { PrivateKey, type KeyTimes } from './keys/private-key.ts'
export { publicJwks, signingKey, type KeyChoice } from './keys/key-set.ts'
export { loadKeys } from './keys/load-keys.ts'
export {
  createKeyFile,
  dropRetiredKeys,
  readKeyFile,
  rotateKeyFile,
  type CreateKeyFileOptions,
  type KeyFileContent,
  type KeyFileWarning,
  type RotateKeyFileOptions,
} from './keys/key-file.ts'
export { KeyFileError, KeyInvalidError, type KeyFault, type KeyFileFault } from './keys/errors.ts'

export {
  discoverSmart,
  type DiscoveredSmart,
  type DiscoverSmartOptions,
} from './consumer/discover-smart.ts'
export { createClientAssertion, type ClientAssertion } from './consumer/client-assertion.ts'
export type { ClientCredential } from './consumer/request-token.ts'
export {
  BackendServicesTokenSource,
  type BackendServicesOptions,
  type TokenSource,
} from './consumer/backend-services-token-source.ts'
export {
  DiscoveryFailedError,
  LoginSettingInvalidError,
  TokenAnswerInvalidError,
  TokenEndpointUnreachableError,
  TokenRefusedError,
  type LoginSettingFault,
  type TokenErrorCode,
} from './consumer/errors.ts'
