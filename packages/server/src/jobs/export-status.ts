import type { OutcomeIssue } from '@flatfhir/protocol'
import type { Job, OutputFile } from '../job-store.ts'

/** What a status request finds out about a job that is neither deleted nor expired. */
export type ExportStatus = InProgressStatus | CompleteStatus | ErrorStatus

/** Files that are told together. */
export interface ManifestPage {
  /** In the order of the manifest. */
  readonly files: readonly OutputFile[]
  /** The page after this one, where it can be told. */
  readonly nextPage?: number
}

/**
 * The job is being worked on, or waits for its turn.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---in-progress-status | Bulk Data: In-Progress Status}
 */
export interface InProgressStatus {
  readonly state: 'in-progress'
  readonly job: Job
  /** 0 to 99, by bytes; within one process it never falls. */
  readonly percent: number
  /** For `X-Progress`: below 100 characters. */
  readonly progress: string
  /** For `Retry-After`: small while the job is young, growing with the expected remaining time. */
  readonly retryAfterSeconds: number
  /** With `allowPartialManifests`, once there is enough for the page that was asked for. */
  readonly partial?: ManifestPage
}

/**
 * Everything that the job promised is in its files.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status | Bulk Data: Complete Status}
 */
export interface CompleteStatus extends ManifestPage {
  readonly state: 'complete'
  readonly job: Job
  readonly completedAt: Date
  readonly expiresAt: Date
}

/**
 * The job failed as a whole.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---error-status-1 | Bulk Data: Error Status}
 */
export interface ErrorStatus {
  readonly state: 'error'
  readonly job: Job
  readonly issue: OutcomeIssue
}
