import { ProviderAnswerInvalidError, RequestRejectedError } from './errors.ts'
import { Attempts, isThrottle } from './http/attempts.ts'
import { discardBody, type ProviderRequest, type ProviderResponse } from './http/provider-http.ts'
import { readRefusal, type Refusal } from './http/rejection.ts'
import type { StoredProvider } from './journal/journal-entry.ts'
import { encodeBody, encodeQuery } from './provider/encode-parameters.ts'
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
 * @throws `RequestRejectedError`; {@link ProviderAnswerInvalidError}; `ProviderUnreachableError`; the
 *   signal's reason.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request | Bulk Data: Kick-off Request}
 */
export async function kickOff(
  context: RunContext,
  provider: StoredProvider,
): Promise<KickOffAnswer> {
  const attempts = new Attempts(context, 'kick-off')
  const request = kickOffRequest(context, provider)
  for (;;) {
    const response = await context.http.send(request)
    if (response.status === 202) {
      await discardBody(response)
      return { statusUrl: statusUrlOf(response), request, headers: response.headers }
    }
    if (isThrottle(response, context)) {
      await discardBody(response)
      if (await attempts.throttled(response)) continue
      throw new RequestRejectedError('Kick-off', response.status)
    }
    const refusal = await readRefusal(response)
    if (!(await mayTryAgain(response, refusal, { attempts, context }))) {
      throw new RequestRejectedError('Kick-off', response.status, refusal.issues)
    }
  }
}

/** An accepted kick-off. */
export interface KickOffAnswer {
  readonly statusUrl: URL
  readonly request: ProviderRequest
  readonly headers: ProviderResponse['headers']
}

async function mayTryAgain(
  { status }: ProviderResponse,
  { text }: Refusal,
  { attempts, context }: { readonly attempts: Attempts; readonly context: RunContext },
): Promise<boolean> {
  const coolDown = context.profile.kickOffCoolDown
  if (coolDown?.statuses.includes(status) === true) {
    const isMeant = coolDown.text === undefined || new RegExp(coolDown.text, 'i').test(text)
    if (isMeant) return attempts.coolDown(coolDown.waitSeconds, status)
  }
  return status === 503 && attempts.failed('server-error', status)
}

function kickOffRequest(context: RunContext, provider: StoredProvider): ProviderRequest {
  const { settings, profile } = context
  const signal = lateSignal(context.signal)
  const url = kickOffUrl(settings, provider.operation)
  const headers = { accept: 'application/fhir+json', prefer: preferHeader(settings) }
  if (provider.method === 'POST') {
    return {
      method: 'POST',
      url,
      headers: { ...headers, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(encodeBody(settings.parameters, provider.edition)),
      withToken: true,
      signal,
    }
  }
  url.search = encodeQuery(settings.parameters, profile.listStyle).toString()
  return { method: 'GET', url, headers, withToken: true, signal }
}

function preferHeader({ lenient, separateExportStatus }: ExportSettings): string {
  const preferences = ['respond-async']
  if (separateExportStatus) preferences.push('separate-export-status')
  if (lenient) preferences.push('handling=lenient')
  return preferences.join(', ')
}

function kickOffUrl({ baseUrl, level, groupId }: ExportSettings, operation: string): URL {
  switch (level) {
    case 'system':
      return new URL(operation, baseUrl)
    case 'patient':
      return new URL(`Patient/${operation}`, baseUrl)
    case 'group':
      return new URL(`Group/${encodeURIComponent(groupId ?? '')}/${operation}`, baseUrl)
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
