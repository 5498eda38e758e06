export type * from './job-store.ts'
export type * from './output-file-store.ts'
export type * from './resource-store.ts'
export { JobFailedError, ServerStoppingError, type JobFailure } from './jobs/errors.ts'
export { ExportJobs, type FoundFile, type KickOffInput } from './jobs/export-jobs.ts'
export type { ExportJobsEvent } from './jobs/export-jobs-event.ts'
export type { ExportJobsOptions } from './jobs/export-jobs-options.ts'
export type {
  CompleteStatus,
  ErrorStatus,
  ExportStatus,
  InProgressStatus,
} from './jobs/export-status.ts'
export {
  createDataProvider,
  type DataProvider,
  type DataProviderOptions,
  type ListenOptions,
  type Listening,
  type ListeningAddress,
} from './data-provider.ts'
export type { AccessOptions, OpenAccess, SmartAccess } from './access/access-options.ts'
export type { ClientLimits } from './access/client-limits.ts'
export { supportsConstraint } from './access/search-restrictions.ts'
export type { HttpTimeouts } from './http/http-server.ts'
export {
  BaseUrlInvalidError,
  BaseUrlRequiredError,
  ListenFailedError,
  OpenServerNotLoopbackError,
  PlainHttpNotLoopbackError,
  TlsInvalidError,
} from './http/listen-errors.ts'
export type { TlsCredentials, TlsOptions } from './http/tls.ts'
export { RequestRefusedError, type Refusal } from './http/request-refused-error.ts'
export { DirectoryOutputFileStore } from './output-files/directory-output-file-store.ts'
export {
  EncryptedOutputFileStore,
  holdsEncryptedJobs,
  type EncryptedOutputFileStoreOptions,
} from './output-files/encrypted/encrypted-output-file-store.ts'
export {
  EncryptionKey,
  readEncryptionKey,
  type ReadEncryptionKey,
} from './output-files/encrypted/encryption-key.ts'
export {
  EncryptionKeyInvalidError,
  EncryptionKeyUnknownError,
  OutputFileDamagedError,
  OutputFileNotEncryptedError,
  type EncryptionKeyFault,
} from './output-files/encrypted/errors.ts'
export type * from './audit/audit-log.ts'
export type { AuditAnchor } from './audit/audit-chain.ts'
export { AuditLogDamagedError, AuditLogFailedError } from './audit/errors.ts'
export type { ExclusiveLock } from './audit/exclusive-lock.ts'
export { FileAuditLog, type FileAuditLogOptions } from './audit/file-audit-log.ts'
export {
  verifyAuditLog,
  type AuditFault,
  type AuditFaultKind,
  type AuditVerification,
  type VerifyAuditLogOptions,
} from './audit/verify-audit-log.ts'
