import { BulkDataError, type OutcomeIssue } from '@flatfhir/protocol'

/** The server is being shut down and takes no more export jobs. */
export class ServerStoppingError extends BulkDataError {
  readonly code = 'SERVER_STOPPING'
  readonly retryable = true

  constructor() {
    super('The server is shutting down and takes no new export jobs', {
      nextStep: 'Send the kick-off request again in a few seconds.',
    })
  }
}

/** Why a job failed as a whole. */
export type JobFailure = 'PLANNING_FAILED' | 'PARTITION_FAILED' | 'PARTITION_STARTED_TOO_OFTEN'

/** A job cannot be finished; its status says so from then on. */
export class JobFailedError extends BulkDataError {
  readonly code = 'JOB_FAILED'
  readonly retryable = true
  readonly failure: JobFailure
  /** The code of the error behind the last attempt, where there is one. */
  readonly reason: string | undefined

  constructor(failure: JobFailure, reason?: string) {
    super(`${DESCRIPTIONS[failure]}${reason === undefined ? '' : ` (${reason})`}`, {
      nextStep:
        'Send the kick-off request again; if it fails again, ask the operator of the server.',
    })
    this.failure = failure
    this.reason = reason
  }
}

const DESCRIPTIONS: Readonly<Record<JobFailure, string>> = {
  PLANNING_FAILED: 'The export could not be planned',
  PARTITION_FAILED: 'A part of the export failed too often',
  PARTITION_STARTED_TOO_OFTEN: 'A part of the export made the server end too often',
}

/** What a failed job's status tells its client. */
export function jobFailureIssue(error: unknown): OutcomeIssue {
  const text = BulkDataError.is(error)
    ? [error.message, error.nextStep].filter((part) => part !== undefined).join('. ')
    : `The export failed (${errorCodeOf(error)})`
  return { severity: 'fatal', code: 'exception', diagnostics: text }
}

/** The code of an error that is fit for logs: never its message, which may quote a resource. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name
}
