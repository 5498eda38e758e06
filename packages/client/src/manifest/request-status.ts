import { BulkDataError } from '@flatfhir/protocol'
import { ExportFailedError, ProviderAnswerInvalidError, RequestRejectedError } from '../errors.ts'
import { Attempts, isThrottle, isTransientStatus, retryAfterMs } from '../http/attempts.ts'
import { discardBody, type ProviderResponse } from '../http/provider-http.ts'
import { JSON_ENCODINGS, readJson } from '../http/read-body.ts'
import { readIssues } from '../http/rejection.ts'
import type { StoredManifest } from '../journal/journal-entry.ts'
import type { OutcomeIssueCode } from '../outcome-issues.ts'
import { printable } from '../printable.ts'
import type { RunContext } from '../run-context.ts'
import { decodePage } from './decode-page.ts'

/** One page of the manifest, and where it came from. */
export interface ManifestPage {
  readonly manifest: StoredManifest
  /** Relative URLs in the page are relative to this one. */
  readonly url: URL
}

/** What a status request found. */
export type StatusAnswer =
  | {
      readonly state: 'in-progress'
      /** The provider's `X-Progress`, printable characters only, at most 100 of them. */
      readonly progress: string | undefined
      readonly percent: number | undefined
      /** What `Retry-After` asks for, within the setting. */
      readonly retryAfterMs: number | undefined
      /** What is ready so far, when partial manifests were asked for. */
      readonly page: ManifestPage | undefined
    }
  | { readonly state: 'complete'; readonly page: ManifestPage }

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024
const MAX_PROGRESS_LENGTH = 100

// Codes of FHIR's issue type that mean: ask again later. Not `exception`, which servers use for
// jobs that have failed for good.
const TRANSIENT_ISSUES: ReadonlySet<string> = new Set([
  'transient',
  'throttled',
  'timeout',
  'lock-error',
  'no-store',
])

/**
 * Asks for the status once, which may take several attempts.
 *
 * @throws {@link ExportFailedError} when the job failed; {@link RequestRejectedError};
 *   `ProviderUnreachableError`; `ManifestInvalidError`; the signal's reason.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request | Bulk Data: Status Request}
 */
export async function requestStatus(url: URL, context: RunContext): Promise<StatusAnswer> {
  return withAttempts(url, context, async (response) => {
    const status = exportStatus(response)
    if (status === 202) {
      const told = response.headers['x-progress']
      const progress = told && printable(told).slice(0, MAX_PROGRESS_LENGTH)
      return {
        state: 'in-progress',
        progress,
        percent: percentOf(progress),
        retryAfterMs: retryAfterMs(response, context),
        page: await readPartialPage(response),
      }
    }
    if (status >= 200 && status < 300) return { state: 'complete', page: await readPage(response) }
    return undefined
  })
}

/**
 * Fetches a page of the manifest that another page, or an earlier status answer, named.
 *
 * @throws as {@link requestStatus}.
 */
export async function requestManifestPage(url: URL, context: RunContext): Promise<ManifestPage> {
  return withAttempts(url, context, async (response) => {
    const status = exportStatus(response)
    if (status === 200) return readPage(response)
    // A page of a partial manifest may be answered as the job is: in progress.
    return status === 202 ? readPartialPage(response) : undefined
  })
}

/**
 * Sends a GET until `accept` takes the answer.
 *
 * @param accept - Returns `undefined`, with the body unread, for an answer that is an error.
 */
async function withAttempts<Answer>(
  url: URL,
  context: RunContext,
  accept: (response: ProviderResponse) => Promise<Answer | undefined>,
): Promise<Answer> {
  const attempts = new Attempts(context, 'status')
  for (;;) {
    try {
      const response = await context.http.send({
        method: 'GET',
        url,
        headers: { accept: 'application/json', 'accept-encoding': JSON_ENCODINGS },
        withToken: true,
        signal: context.signal,
      })
      const answer = await accept(response)
      if (answer !== undefined) return answer
      await waitOrThrow(response, attempts, context)
    } catch (error) {
      // A host that cannot be reached, and a token that cannot be had at the moment.
      if (!BulkDataError.is(error) || !error.retryable || error instanceof RequestRejectedError) {
        throw error
      }
      if (error instanceof ExportFailedError) throw error
      if (!(await attempts.failed('connection-failed'))) throw error
    }
  }
}

/** Waits when the answer is one to try again after; throws what the answer means otherwise. */
async function waitOrThrow(
  response: ProviderResponse,
  attempts: Attempts,
  context: RunContext,
): Promise<void> {
  const status = exportStatus(response)
  const issues = await readIssues(response)
  if (isThrottle(response, context)) {
    if (await attempts.throttled(response)) return
  } else if (isTransient(status, issues) || context.profile.transientStatuses.includes(status)) {
    if (await attempts.failed('server-error', status)) return
  }
  throw jobHasFailed(response, status, issues)
    ? new ExportFailedError(status, issues)
    : new RequestRejectedError('Status', status, issues)
}

/** A gateway's 5XX has no OperationOutcome; a server's, unless it says "transient", is final. */
function isTransient(status: number, issues: readonly OutcomeIssueCode[] | undefined): boolean {
  if (issues?.some(({ code }) => TRANSIENT_ISSUES.has(code)) === true) return true
  return issues === undefined && isTransientStatus(status)
}

function jobHasFailed(
  response: ProviderResponse,
  status: number,
  issues: readonly OutcomeIssueCode[] | undefined,
): boolean {
  if (response.status === 200) return true
  return status >= 500 && issues !== undefined
}

/**
 * The status of the job: `X-Export-Status` where there is one, since then the answer's own status is
 * about the status request only.
 */
function exportStatus({ status, headers }: ProviderResponse): number {
  const text = headers['x-export-status']
  const match = status === 200 && text !== undefined ? /^\s*(\d{3})\b/.exec(text) : null
  return match === null ? status : Number(match[1])
}

async function readPage(response: ProviderResponse): Promise<ManifestPage> {
  const json = await readJson(response, MAX_MANIFEST_BYTES)
  if (json === undefined) {
    throw new ProviderAnswerInvalidError('The manifest is not JSON')
  }
  return { manifest: decodePage(json), url: response.url }
}

/** The manifest in the body of an in-progress answer; many have other bodies, or none. */
async function readPartialPage(response: ProviderResponse): Promise<ManifestPage | undefined> {
  if (!/\bjson\b/i.test(response.headers['content-type'] ?? '')) {
    await discardBody(response)
    return undefined
  }
  const json = await readJson(response, MAX_MANIFEST_BYTES)
  const isManifest = typeof json === 'object' && json !== null && 'transactionTime' in json
  return isManifest ? { manifest: decodePage(json), url: response.url } : undefined
}

function percentOf(progress: string | undefined): number | undefined {
  const match = /(?<![\d.])(\d{1,3}(?:\.\d{1,6})?)\s?%/.exec(progress ?? '')
  if (match === null) return undefined
  const percent = Number(match[1])
  return percent <= 100 ? percent : undefined
}
