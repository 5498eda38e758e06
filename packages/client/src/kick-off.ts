import { encodeKickOffBody, encodeKickOffQuery } from '@flatfhir/protocol'
import { ProviderAnswerInvalidError } from './errors.ts'
import { Attempts, isThrottle } from './http/attempts.ts'
import { discardBody, type ProviderRequest, type ProviderResponse } from './http/provider-http.ts'
import { rejection } from './http/rejection.ts'
import type { RunContext } from './run-context.ts'
import type { ExportSettings } from './settings.ts'

/** How long a kick-off request that was sent may still be answered after the run was abandoned. */
const GRACE_MS = 5_000

/**
 * Starts an export.
 *
 * Only answers that mean "later" are tried again: after a connection that broke nobody knows
 * whether the job exists, and a second request would start a second one.
 *
 * @returns The status URL.
 * @throws `RequestRejectedError`; {@link ProviderAnswerInvalidError}; `ProviderUnreachableError`; the
 *   signal's reason.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request | Bulk Data: Kick-off Request}
 */
export async function kickOff(context: RunContext): Promise<URL> {
  const attempts = new Attempts(context, 'kick-off')
  const request = kickOffRequest(context.settings, lateSignal(context.signal))
  for (;;) {
    const response = await context.http.send(request)
    if (response.status === 202) {
      await discardBody(response)
      return statusUrlOf(response)
    }
    if (!(await mayTryAgain(response, attempts, context))) {
      throw await rejection('Kick-off', response)
    }
    await discardBody(response)
  }
}

async function mayTryAgain(
  response: ProviderResponse,
  attempts: Attempts,
  context: RunContext,
): Promise<boolean> {
  if (isThrottle(response, context)) return attempts.throttled(response)
  return response.status === 503 && attempts.failed('server-error', response.status)
}

function kickOffRequest(
  settings: ExportSettings,
  signal: AbortSignal | undefined,
): ProviderRequest {
  const url = kickOffUrl(settings)
  const headers = { accept: 'application/fhir+json', prefer: 'respond-async' }
  if (settings.method === 'POST') {
    return {
      method: 'POST',
      url,
      headers: { ...headers, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(encodeKickOffBody(settings.parameters)),
      withToken: true,
      signal,
    }
  }
  url.search = encodeKickOffQuery(settings.parameters).toString()
  return { method: 'GET', url, headers, withToken: true, signal }
}

function kickOffUrl({ baseUrl, level, groupId }: ExportSettings): URL {
  switch (level) {
    case 'system':
      return new URL('$export', baseUrl)
    case 'patient':
      return new URL('Patient/$export', baseUrl)
    case 'group':
      return new URL(`Group/${encodeURIComponent(groupId ?? '')}/$export`, baseUrl)
  }
}

function statusUrlOf({ headers, url }: ProviderResponse): URL {
  const location = headers['content-location']
  if (location === undefined || !URL.canParse(location, url.href)) {
    throw new ProviderAnswerInvalidError(
      'The provider accepted the kick-off request but named no status URL (Content-Location)',
    )
  }
  const statusUrl = new URL(location, url)
  if (!/^https?:$/.test(statusUrl.protocol)) {
    throw new ProviderAnswerInvalidError('The status URL is not an http or https URL')
  }
  return statusUrl
}

/**
 * A signal that follows another after a grace period: a kick-off request that is cut off may have
 * started an export of which nobody knows the status URL.
 */
function lateSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const late = new AbortController()
  signal.addEventListener(
    'abort',
    () => {
      setTimeout(() => {
        late.abort(signal.reason)
      }, GRACE_MS).unref()
    },
    { once: true },
  )
  return late.signal
}
