import type { Clock } from '../clock.ts'

/**
 * Says how many downloads from one host may run at a time.
 *
 * A throttled answer halves the number and stops new requests until the host's time is over; then
 * each full round of successes adds one. So a host that throttles gets fewer requests, not the same
 * ones again and again.
 */
export class DownloadGate {
  readonly #clock: Clock
  readonly #max: number
  #limit: number
  #active = 0
  #successes = 0
  #pausedUntilMs = 0
  readonly #waiting: (() => void)[] = []

  constructor(max: number, clock: Clock) {
    this.#max = max
    this.#limit = max
    this.#clock = clock
  }

  /** How many downloads may run at the moment. */
  get limit(): number {
    return this.#limit
  }

  /**
   * Waits for leave to send a request; every call is followed by one of {@link leave}.
   *
   * @throws the signal's reason.
   */
  async enter(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      const pauseMs = this.#pausedUntilMs - this.#clock.now().getTime()
      if (pauseMs > 0) await this.#clock.wait(pauseMs, signal)
      else if (this.#active < this.#limit) break
      else await this.#turn(signal)
    }
    this.#active += 1
  }

  leave(): void {
    this.#active -= 1
    this.#waiting.shift()?.()
  }

  succeeded(): void {
    this.#successes += 1
    if (this.#successes < this.#limit || this.#limit === this.#max) return
    this.#successes = 0
    this.#limit += 1
    this.#waiting.shift()?.()
  }

  throttled(waitMs: number): void {
    const nowMs = this.#clock.now().getTime()
    // Several requests that were under way together are throttled together: that is one event.
    if (nowMs >= this.#pausedUntilMs) this.#limit = Math.max(1, Math.floor(this.#limit / 2))
    this.#successes = 0
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + waitMs)
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake, { once: true })
      this.#waiting.push(wake)
    })
  }
}
