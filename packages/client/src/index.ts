export { systemClock, type Clock } from './clock.ts'
export * from './errors.ts'
export type { ExportEvent, ExportPhase, RetryReason } from './export-event.ts'
export type { AccessTokenRequest, AccessTokenSource, ExportOptions } from './export-options.ts'
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
export { outcomeIssues, type OutcomeIssueCode } from './outcome-issues.ts'
export { runExport } from './run-export.ts'
export type { ExportParameters, VendorParameter } from './export-parameters.ts'
export type { CollectResult, EndReason, ExportJobState, ExportJobStatus } from './job-status.ts'
export type { ProfileDetection, ProviderProfile } from './profiles/provider-profile.ts'
export type { Receipt } from './receipt/receipt.ts'
