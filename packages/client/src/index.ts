export { BulkExport } from './bulk-export.ts'
export { systemClock, type Clock } from './clock.ts'
export * from './errors.ts'
export type { ExportEvent, ExportPhase, RetryReason } from './export-event.ts'
export type {
  AccessTokenRequest,
  AccessTokenSource,
  AttachmentOptions,
  ExportOptions,
  ResumeOptions,
} from './export-options.ts'
export type { ExportParameters, VendorParameter } from './export-parameters.ts'
export type {
  ExportedFile,
  ExportedFileState,
  ExportFile,
  ExportProblem,
  ExportProblemCode,
  ExportReport,
  ExportTimings,
  ExportVerdict,
  FileFacts,
  OutcomeCount,
} from './export-report.ts'
export type { CollectResult, EndReason, ExportJobState, ExportJobStatus } from './job-status.ts'
export { outcomeIssues, type OutcomeIssueCode } from './outcome-issues.ts'
export { GENERIC_PROFILE, PROVIDER_PROFILES } from './profiles/profiles.ts'
export type { ProfileDetection, ProviderProfile } from './profiles/provider-profile.ts'
export { readReceipt } from './receipt/read-receipt.ts'
export * from './receipt/receipt.ts'
export { receiptMarkdown, receiptText } from './receipt/render-receipt.ts'
export { newRunDirectory } from './run-directory.ts'
export {
  cancelExport,
  collectExport,
  exportStatus,
  resumeExport,
  runExport,
  startExport,
} from './run-export.ts'
export * from './sync/sink.ts'
export * from './sync/sync-report.ts'
export * from './sync/sync-state.ts'
export type {
  SyncConnection,
  SyncExportSettings,
  SyncOptions,
  SyncThresholds,
} from './sync/sync-options.ts'
export type { DiscardReason, SyncEvent, SyncEventRun, SyncFallback } from './sync/sync-event.ts'
export {
  type CohortResult,
  readSyncReports,
  runSync,
  type SyncResult,
  type SyncRunsReport,
} from './sync/run-sync.ts'
export {
  type CohortStatus,
  type RunUnderWay,
  syncStatus,
  type SyncStatusOptions,
} from './sync/sync-status.ts'
export {
  readExportedFolder,
  type ExportedFolder,
  type ExportedFolderOptions,
} from './sync/exported-folder.ts'
export { loadExport, type LoadOptions, type LoadResult } from './sync/load-export.ts'
