import { BulkDataError } from '@flatfhir/protocol'
import { RequestRejectedError } from './errors.ts'
import { Attempts, isThrottle, isTransientStatus } from './http/attempts.ts'
import { discardBody } from './http/provider-http.ts'
import type { RunContext } from './run-context.ts'

/** What the provider said to a Delete Request. */
export type DeleteAnswer =
  | { readonly deleted: true }
  | { readonly deleted: false; readonly reason: string; readonly error: BulkDataError }

/**
 * Tells the provider that it can forget the export: it is done with, or abandoned.
 *
 * Never throws for what the provider or the network does: the files are worth more than the manners.
 *
 * @throws the signal's reason.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request | Bulk Data: Delete Request}
 */
export async function deleteExport(statusUrl: URL, context: RunContext): Promise<DeleteAnswer> {
  const attempts = new Attempts(context, 'delete')
  for (;;) {
    const answer = await requestDelete(statusUrl, context, attempts)
    if (answer !== 'again') return answer
  }
}

async function requestDelete(
  url: URL,
  context: RunContext,
  attempts: Attempts,
): Promise<DeleteAnswer | 'again'> {
  try {
    const response = await context.http.send({
      method: 'DELETE',
      url,
      headers: { accept: 'application/fhir+json' },
      withToken: true,
      signal: context.signal,
    })
    await discardBody(response)
    const { status } = response
    // 404 and 410: somebody, or the provider's own clean-up, was faster.
    if ((status >= 200 && status < 300) || status === 404 || status === 410) {
      return { deleted: true }
    }
    if (isThrottle(response, context)) {
      if (await attempts.throttled(response)) return 'again'
    } else if (isTransientStatus(status)) {
      if (await attempts.failed('server-error', status)) return 'again'
    }
    const error = new RequestRejectedError('Delete', status)
    return { deleted: false, reason: error.message, error }
  } catch (error) {
    if (!BulkDataError.is(error)) throw error
    if (error.retryable && (await attempts.failed('connection-failed'))) return 'again'
    return { deleted: false, reason: error.message, error }
  }
}
