import { decodeManifest, type Manifest } from '@flatfhir/protocol'
import {
  ExportFailedError,
  ProviderAnswerInvalidError,
  ProviderUnreachableError,
  RequestRejectedError,
} from './errors.ts'
import { Attempts, isThrottle, isTransientStatus, retryAfterMs } from './http/attempts.ts'
import { backOffMs } from './http/back-off.ts'
import { discardBody, type ProviderResponse } from './http/provider-http.ts'
import { JSON_ENCODINGS, readJson } from './http/read-body.ts'
import { readIssues } from './http/rejection.ts'
import type { OutcomeIssueCode } from './outcome-issues.ts'
import type { RunContext } from './run-context.ts'

/** One page of the manifest, and where it came from. */
export interface ManifestPage {
  readonly manifest: Manifest
  /** Relative URLs in the page are relative to this one. */
  readonly url: URL
}

/** A page of the manifest, or the news that the job is not done. */
type StatusAnswer =
  | { readonly state: 'in-progress'; readonly response: ProviderResponse }
  | { readonly state: 'complete'; readonly page: ManifestPage }

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

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
 * Polls the status URL until the job is complete.
 *
 * @returns The first page of the manifest.
 * @throws {@link ExportFailedError} when the job failed; {@link RequestRejectedError};
 *   {@link ProviderUnreachableError}; `ManifestInvalidError`.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request | Bulk Data: Status Request}
 */
export async function awaitManifest(statusUrl: URL, context: RunContext): Promise<ManifestPage> {
  const { clock, random } = context.settings
  const startedMs = clock.now().getTime()
  for (let polls = 1; ; polls += 1) {
    const answer = await requestStatus(statusUrl, context)
    if (answer.state === 'complete') return answer.page

    const waitMs = retryAfterMs(answer.response, context) ?? backOffMs(polls, random)
    const progress = printable(answer.response.headers['x-progress'])
    context.emit({
      type: 'status-progress',
      progress,
      percent: percentOf(progress),
      waitMs: Math.max(waitMs, SHORTEST_POLL_MS),
      elapsedMs: clock.now().getTime() - startedMs,
    })
    await clock.wait(Math.max(waitMs, SHORTEST_POLL_MS), context.signal)
  }
}

const SHORTEST_POLL_MS = 250

/** Asks for the status once, which may take several attempts. */
async function requestStatus(url: URL, context: RunContext): Promise<StatusAnswer> {
  return withAttempts(url, context, async (response) => {
    const status = exportStatus(response)
    if (status === 202) {
      await discardBody(response)
      return { state: 'in-progress', response }
    }
    if (status >= 200 && status < 300) return { state: 'complete', page: await readPage(response) }
    return undefined
  })
}

/**
 * Fetches a page of the manifest that another page, or an earlier status answer, named.
 *
 * @throws as {@link awaitManifest}.
 */
export async function requestManifestPage(url: URL, context: RunContext): Promise<ManifestPage> {
  return withAttempts(url, context, async (response) => {
    return exportStatus(response) === 200 ? readPage(response) : undefined
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
      if (!(error instanceof ProviderUnreachableError)) throw error
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
  } else if (isTransient(status, issues)) {
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
  return { manifest: decodeManifest(json), url: response.url }
}

/** Text from the provider that is safe to print: no control characters, not long. */
function printable(text: string | undefined): string | undefined {
  return text
    ?.replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 100)
}

function percentOf(progress: string | undefined): number | undefined {
  const match = /(?<![\d.])(\d{1,3}(?:\.\d{1,6})?)\s?%/.exec(progress ?? '')
  if (match === null) return undefined
  const percent = Number(match[1])
  return percent <= 100 ? percent : undefined
}
