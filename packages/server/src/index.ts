export type * from './job-store.ts'
export type * from './output-file-store.ts'
export type * from './resource-store.ts'
export { ServerStoppingError } from './jobs/errors.ts'
export { ExportJobs, type KickOffInput } from './jobs/export-jobs.ts'
export type { ExportJobsEvent } from './jobs/export-jobs-event.ts'
export type { ExportJobsOptions } from './jobs/export-jobs-options.ts'
export type {
  CompleteStatus,
  ErrorStatus,
  ExportStatus,
  InProgressStatus,
} from './jobs/export-status.ts'
