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
