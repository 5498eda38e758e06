import { BulkDataError } from '@flatfhir/protocol'

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

/** The code of an error that is fit for logs: never its message, which may quote a resource. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name
}
