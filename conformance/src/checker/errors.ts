import { BulkDataError } from '@flatfhir/protocol'

/** A server that is to be checked does not answer at all. */
export class CheckProviderUnreachableError extends BulkDataError {
  readonly code = 'CHECK_PROVIDER_UNREACHABLE'
  readonly retryable = true

  constructor(origin: string, why: string) {
    super(`${origin} does not answer: ${why}`, {
      nextStep: 'See whether the URL is right and the server can be reached from here.',
    })
  }
}

/** What a check run was told to do is contradictory or out of range. */
export class CheckOptionsInvalidError extends BulkDataError {
  readonly code = 'CHECK_OPTIONS_INVALID'
  readonly retryable = false
}

/** Ends a check that cannot look at anything; stays inside the package. */
export class SkipCheck extends Error {}

/** A request got no answer; stays inside the package. */
export class NoAnswerError extends Error {
  /** Fit for a report: the kind of failure, never words of the other side. */
  readonly why: string

  constructor(why: string) {
    super(why)
    this.why = why
  }
}
