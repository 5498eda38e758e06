export type {
  FileBehaviour,
  ProviderScript,
  RecordedRequest,
  ScriptedAnswer,
  ScriptedExport,
  ScriptedFile,
  ScriptedManifest,
} from './provider-script.ts'
export {
  type MisbehavingProvider,
  SCRIPTED_TRANSACTION_TIME,
  startMisbehavingProvider,
} from './start-misbehaving-provider.ts'
