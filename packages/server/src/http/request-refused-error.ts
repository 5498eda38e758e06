import { BulkDataError, type OutcomeIssue } from '@flatfhir/protocol'

/** Why a request is refused, and with what answer. */
export interface Refusal {
  /** HTTP status code, 400 or above. */
  readonly status: number
  /** FHIR issue type for the OperationOutcome, for example `not-found`. */
  readonly issueType: string
  /** What is wrong, for a person; no patient data, and no text of the request. */
  readonly diagnostics: string
  /** Headers that the status calls for, for example `Allow` or `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that is answered with a status of 400 or above and an OperationOutcome. */
export class RequestRefusedError extends BulkDataError {
  readonly code = 'REQUEST_REFUSED'
  readonly retryable: boolean
  readonly status: number
  readonly issue: OutcomeIssue
  readonly headers: Readonly<Record<string, string>>

  constructor(refusal: Refusal) {
    super(refusal.diagnostics)
    this.status = refusal.status
    this.retryable = refusal.status === 429 || refusal.status === 503
    this.issue = {
      severity: 'error',
      code: refusal.issueType,
      diagnostics: refusal.diagnostics,
    }
    this.headers = refusal.headers ?? {}
  }
}

/** 400 with issue type `value`, unless another one is given. */
export function badRequest(diagnostics: string, issueType = 'value'): RequestRefusedError {
  return new RequestRefusedError({ status: 400, issueType, diagnostics })
}

/** 404. The same words for "is not there" and "belongs to somebody else". */
export function notFound(diagnostics: string): RequestRefusedError {
  return new RequestRefusedError({ status: 404, issueType: 'not-found', diagnostics })
}

/** 412: the resource has changed since the client read it. */
export function versionConflict(): RequestRefusedError {
  return new RequestRefusedError({
    status: 412,
    issueType: 'conflict',
    diagnostics: 'If-Match does not name the current version: read the resource again',
  })
}
