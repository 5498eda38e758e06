/**
 * What happened to a job, for logs and metrics. Ids of jobs, counts and error codes only: no
 * patient data, no URLs, no messages of foreign errors.
 */
export type ExportJobsEvent =
  | { readonly name: 'job-accepted'; readonly jobId: string }
  | { readonly name: 'job-resumed'; readonly jobId: string }
  | { readonly name: 'job-planned'; readonly jobId: string; readonly partitionCount: number }
  | {
      readonly name: 'partition-committed'
      readonly jobId: string
      readonly index: number
      readonly resourceCount: number
      /** Size in bytes of the NDJSON. */
      readonly bytes: number
    }
  | {
      readonly name: 'partition-failed'
      readonly jobId: string
      readonly index: number
      /** How many attempts of this process failed, this one included. */
      readonly failures: number
      readonly errorCode: string
    }
  | { readonly name: 'job-complete'; readonly jobId: string; readonly fileCount: number }
  | { readonly name: 'job-failed'; readonly jobId: string; readonly errorCode: string }
  | { readonly name: 'job-deleted'; readonly jobId: string }
  | { readonly name: 'job-expired'; readonly jobId: string }
  /** A worker thread died; its partition counts as failed once, and another thread takes over. */
  | { readonly name: 'worker-lost'; readonly errorCode: string }
  /** Something behind the scenes failed and is tried again at the next sweep. */
  | { readonly name: 'sweep-failed'; readonly errorCode: string }
