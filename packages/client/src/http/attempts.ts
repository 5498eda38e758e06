import { parseRetryAfter } from '@flatfhir/protocol'
import type { ExportPhase, RetryReason } from '../export-event.ts'
import type { ExportFile } from '../export-report.ts'
import type { RunContext } from '../run-context.ts'
import { backOffMs } from './back-off.ts'
import type { ProviderResponse } from './provider-http.ts'

// A Retry-After of 0 is honoured, but not a hundred times a second.
const SHORTEST_THROTTLE_MS = 250

/**
 * Counts what goes wrong with one request, and waits before the next attempt.
 *
 * Failures and throttles are counted apart: a provider that says when to come back is not broken.
 * Both counts are of events in a row; progress resets them.
 */
export class Attempts {
  readonly #context: RunContext
  readonly #phase: ExportPhase
  readonly #file: ExportFile | undefined
  #failures = 0
  #throttles = 0

  constructor(context: RunContext, phase: ExportPhase, file?: ExportFile) {
    this.#context = context
    this.#phase = phase
    this.#file = file
  }

  /** Forgets earlier failures and throttles. */
  progressed(): void {
    this.#failures = 0
    this.#throttles = 0
  }

  /**
   * Counts a failure and waits, longer each time.
   *
   * @returns `false`, at once, when there is no attempt left.
   * @throws the signal's reason.
   */
  async failed(reason: RetryReason, httpStatus?: number): Promise<boolean> {
    const { settings } = this.#context
    this.#failures += 1
    if (this.#failures >= settings.maxAttempts) return false
    await this.#wait(reason, backOffMs(this.#failures, settings.random), httpStatus)
    return true
  }

  /**
   * Counts a throttled answer and waits as long as it asks, within the setting.
   *
   * @returns `false`, at once, when the provider has throttled too often.
   * @throws the signal's reason.
   */
  async throttled(response: ProviderResponse): Promise<boolean> {
    const waitMs = this.countThrottle(response)
    if (waitMs === undefined) return false
    await this.#wait('throttled', waitMs, response.status)
    return true
  }

  /**
   * Counts a refusal that the vendor means as "later", and waits as long as is known to help.
   *
   * @returns `false`, at once, when the provider has refused too often.
   * @throws the signal's reason.
   */
  async coolDown(waitSeconds: number, httpStatus: number): Promise<boolean> {
    const { settings, profile } = this.#context
    this.#throttles += 1
    if (this.#throttles >= settings.maxThrottles) return false
    const longest = settings.maxRetryAfterSeconds ?? profile.maxRetryAfterSeconds
    await this.#wait('throttled', Math.min(waitSeconds, longest) * 1000, httpStatus)
    return true
  }

  /**
   * Counts a throttled answer without waiting.
   *
   * @returns Milliseconds to wait; `undefined` when the provider has throttled too often.
   */
  countThrottle(response: ProviderResponse): number | undefined {
    const { settings } = this.#context
    this.#throttles += 1
    if (this.#throttles >= settings.maxThrottles) return undefined
    const asked = retryAfterMs(response, this.#context)
    return Math.max(asked ?? backOffMs(this.#throttles, settings.random), SHORTEST_THROTTLE_MS)
  }

  async #wait(reason: RetryReason, waitMs: number, httpStatus: number | undefined): Promise<void> {
    const { emit, settings, signal } = this.#context
    emit({ type: 'retry', phase: this.#phase, reason, httpStatus, file: this.#file, waitMs })
    await settings.clock.wait(waitMs, signal)
  }
}

/** Whether an answer says "later" rather than "no". */
export function isThrottle(response: ProviderResponse, context: RunContext): boolean {
  if (response.status === 429) return true
  return response.status === 503 && retryAfterMs(response, context) !== undefined
}

/** Whether the same request may get a better answer soon. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505)
}

/** `Retry-After` in milliseconds, within the setting; `undefined` when it is absent or garbage. */
export function retryAfterMs(
  { headers }: ProviderResponse,
  { settings, profile }: RunContext,
): number | undefined {
  const seconds = parseRetryAfter(headers['retry-after'], settings.clock.now())
  if (seconds === undefined) return undefined
  return Math.min(seconds, settings.maxRetryAfterSeconds ?? profile.maxRetryAfterSeconds) * 1000
}
