import { parseRetryAfter } from '@flatfhir/protocol'
import type { Clock } from '@flatfhir/auth'
import { below } from './below.ts'
import type { CheckAnswer, CheckHttp } from './check-http.ts'
import type { CheckEvent } from './check-event.ts'
import type { CheckLimits } from './check-options.ts'
import { SkipCheck } from './errors.ts'
import { isJsonObject } from './json.ts'
import { kickOffHeaders, levelPath, type KickOff } from './kick-off-request.ts'
import { printable } from './printable.ts'

/** An export that was kicked off. */
export interface StartedExport {
  /** Where it was asked for, without the query. */
  readonly requestUrl: URL
  readonly statusUrl: URL
}

/** An export whose manifest has arrived, and how it got there. */
export interface FinishedExport extends StartedExport {
  /** The answers while it ran, in order. */
  readonly inProgress: readonly CheckAnswer[]
  /** The answer that ended the waiting. */
  readonly last: CheckAnswer
  /** Its manifest; `undefined` when the last answer is not 200 with a JSON object. */
  readonly manifest: Readonly<Record<string, unknown>> | undefined
}

interface ExportsOptions {
  readonly baseUrl: URL
  readonly groupId: string | undefined
  readonly http: CheckHttp
  readonly limits: CheckLimits
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onEvent: (event: CheckEvent) => void
}

/** Somebody's first answer, and how often a busy server is asked again. */
const MAX_BUSY_ANSWERS = 5
const MAX_WAIT_SECONDS = 30
const DEFAULT_WAIT_SECONDS = 1
const DELETE_TIMEOUT_MS = 10_000

/** Starts exports within the limits of a run, waits for them, and sees that none is left behind. */
export class Exports {
  readonly #options: ExportsOptions
  readonly #running = new Map<string, URL>()
  #kickOffs = 0

  constructor(options: ExportsOptions) {
    this.#options = options
  }

  get kickOffs(): number {
    return this.#kickOffs
  }

  /** Exports that were started and not deleted. */
  get undeleted(): number {
    return this.#running.size
  }

  /**
   * Sends a kick-off request; one that is answered with 429 or 503 is sent again.
   *
   * @throws SkipCheck when the run may send no more of them, or the server stays busy.
   */
  async kickOff(kickOff: KickOff): Promise<CheckAnswer> {
    for (let busy = 0; ; busy += 1) {
      const answer = await this.#kickOffOnce(kickOff)
      if (answer.status !== 429 && answer.status !== 503) return answer
      if (busy === MAX_BUSY_ANSWERS) {
        throw new SkipCheck(`The server was busy: kick-offs were answered with ${answer.status}`)
      }
      await this.#wait(answer, undefined)
    }
  }

  /** What a kick-off has started: `undefined` when it was refused, or its status URL is no URL. */
  startedBy(kickOff: KickOff, answer: CheckAnswer): StartedExport | undefined {
    const statusUrl = statusUrlOf(answer, this.#urlOf(kickOff))
    if (statusUrl === undefined) return undefined
    return { requestUrl: this.#urlOf(kickOff), statusUrl }
  }

  /**
   * Asks for the status until it is not 202.
   *
   * @throws SkipCheck when the export takes longer than it may.
   */
  async finish(started: StartedExport): Promise<FinishedExport> {
    const { clock, limits } = this.#options
    const deadline = clock.now().getTime() + limits.exportMs
    const inProgress: CheckAnswer[] = []
    for (;;) {
      const answer = await this.status(started)
      if (!isInProgress(answer)) return finished(started, inProgress, answer)
      inProgress.push(answer)
      if (clock.now().getTime() >= deadline) {
        throw new SkipCheck(`The export was not complete after ${limits.exportMs / 1000} s`)
      }
      await this.#wait(answer, answer.headers['x-progress'])
    }
  }

  /** One status request. */
  async status({ statusUrl }: StartedExport): Promise<CheckAnswer> {
    return await this.#options.http.ask({
      url: statusUrl,
      headers: { accept: 'application/json' },
    })
  }

  /** Sends the Delete Request. */
  async delete(started: StartedExport, signal?: AbortSignal): Promise<CheckAnswer> {
    const { statusUrl } = started
    const answer = await this.#options.http.ask({
      method: 'DELETE',
      url: statusUrl,
      headers: { accept: 'application/fhir+json' },
      ...(signal !== undefined && { signal }),
    })
    const gone = answer.status < 300 || answer.status === 404 || answer.status === 410
    if (gone) this.#running.delete(statusUrl.href)
    return answer
  }

  /** Deletes what is still there, also after the run was stopped. Never throws. */
  async deleteAll(): Promise<void> {
    for (const statusUrl of [...this.#running.values()]) {
      const signal = AbortSignal.timeout(DELETE_TIMEOUT_MS)
      await this.delete({ requestUrl: statusUrl, statusUrl }, signal).catch(() => undefined)
    }
  }

  async #kickOffOnce(kickOff: KickOff): Promise<CheckAnswer> {
    const { http, limits } = this.#options
    if (this.#kickOffs >= limits.kickOffs) {
      throw new SkipCheck(`The run has sent the ${limits.kickOffs} kick-offs that it may send`)
    }
    this.#kickOffs += 1
    const { method = 'GET', parameters = [], headers, token } = kickOff
    const isPost = method === 'POST'
    const answer = await http.ask({
      method,
      url: this.#urlOf(kickOff),
      headers: {
        ...kickOffHeaders(headers),
        ...(isPost && { 'content-type': 'application/fhir+json' }),
      },
      ...(isPost && { body: parametersBody(parameters) }),
      ...(token !== undefined && { token }),
    })
    const statusUrl = statusUrlOf(answer, this.#urlOf(kickOff))
    // Deleted at the end, whatever becomes of the check that has started it.
    if (statusUrl !== undefined) this.#running.set(statusUrl.href, statusUrl)
    return answer
  }

  #urlOf({ level, query = [], operation = '$export' }: KickOff): URL {
    const { baseUrl, groupId } = this.#options
    const url = below(baseUrl, levelPath(level, groupId) + operation)
    for (const [name, value] of query) url.searchParams.append(name, value)
    return url
  }

  async #wait(answer: CheckAnswer, progress: string | undefined): Promise<void> {
    const { clock, onEvent, signal } = this.#options
    const asked = parseRetryAfter(answer.headers['retry-after'], clock.now())
    const seconds = Math.min(asked ?? DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS)
    const shown = progress === undefined ? undefined : printable(progress)
    onEvent({ type: 'waiting', seconds, progress: shown })
    // A server that asks for no wait at all is not asked in a tight loop.
    await clock.wait(Math.max(seconds * 1000, 100), signal)
  }
}

/** With separate-export-status the job's status is in a header of its own. */
function isInProgress({ status, headers }: CheckAnswer): boolean {
  return status === 202 || (status === 200 && headers['x-export-status']?.trim() === '202')
}

function parametersBody(parameter: readonly object[]): string {
  return JSON.stringify({ resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) })
}

/** Also a relative one, which is against the rules but has to be deleted all the same. */
function statusUrlOf({ status, headers }: CheckAnswer, requestUrl: URL): URL | undefined {
  const location = headers['content-location']
  if (status !== 202 || location === undefined) return undefined
  if (!URL.canParse(location, requestUrl.href)) return undefined
  const url = new URL(location, requestUrl)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

function finished(
  started: StartedExport,
  inProgress: readonly CheckAnswer[],
  last: CheckAnswer,
): FinishedExport {
  const manifest = last.status === 200 && isJsonObject(last.json) ? last.json : undefined
  return { ...started, inProgress, last, manifest }
}
