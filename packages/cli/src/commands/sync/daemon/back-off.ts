const FIRST_WAIT_MS = 60_000
const LONGEST_WAIT_MS = 3_600_000

/** How long to leave something alone that failed: twice as long each time, up to an hour. */
export class BackOff {
  #failures = 0
  #notBefore = -Infinity

  /** Whether it is still to be left alone. @param now - Milliseconds since 1970. */
  isResting(now: number): boolean {
    return now < this.#notBefore
  }

  /** @returns milliseconds to wait. */
  failed(now: number): number {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10))
    this.#failures += 1
    this.#notBefore = now + wait
    return wait
  }

  succeeded(): void {
    this.#failures = 0
    this.#notBefore = -Infinity
  }
}
