export {
  accessTokenStoreContract,
  type OpenAccessTokenStore,
  type OpenedAccessTokenStore,
} from './access-token-store-contract.ts'
export {
  assertionReplayStoreContract,
  type OpenAssertionReplayStore,
  type OpenedAssertionReplayStore,
} from './assertion-replay-store-contract.ts'
export {
  clientRegistryContract,
  type OpenClientRegistry,
  type OpenedClientRegistry,
} from './client-registry-contract.ts'
export { registeredClient } from './registered-client.ts'
