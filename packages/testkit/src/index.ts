export { jobStoreContract, type OpenJobStore } from './job-store-contract.ts'
export { outputFileStoreContract, type OpenOutputFileStore } from './output-file-store-contract.ts'
export {
  type FileBehaviour,
  type MisbehavingProvider,
  type ProviderScript,
  type RecordedRequest,
  SCRIPTED_TRANSACTION_TIME,
  type ScriptedAnswer,
  type ScriptedExport,
  type ScriptedFile,
  type ScriptedManifest,
  startMisbehavingProvider,
} from './misbehaving-provider/index.ts'
export { MemoryPlace, type MemoryRow, MemorySink } from './memory-sink.ts'
export * from './resource-store-contract/index.ts'
export {
  accessTokenStoreContract,
  assertionReplayStoreContract,
  clientRegistryContract,
  type OpenAccessTokenStore,
  type OpenAssertionReplayStore,
  type OpenClientRegistry,
  type OpenedAccessTokenStore,
  type OpenedAssertionReplayStore,
  type OpenedClientRegistry,
  registeredClient,
} from './access-contracts/index.ts'
export { sinkContract } from './sink-contract.ts'
export {
  COHORT,
  deletionText,
  hour,
  type LandedRow,
  land,
  landIn,
  LandingFolder,
  landingRun,
  type LandingScript,
  type MakeSinkPlace,
  observationText,
  OTHER_COHORT,
  reportOf,
  resourceText,
  type SinkPlace,
  SOURCE,
  stage,
} from './sink-contract-fixture.ts'
