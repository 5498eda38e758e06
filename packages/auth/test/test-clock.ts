import type { Clock } from '../src/clock.ts'

/** A clock that stands still until it is told to move; waiting moves it, and takes no time. */
export class TestClock implements Clock {
  #ms = Date.parse('2026-05-01T12:00:00.000Z')
  readonly waits: number[] = []

  readonly now = (): Date => new Date(this.#ms)

  advanceSeconds(seconds: number): void {
    this.#ms += seconds * 1000
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.waits.push(ms)
    this.#ms += ms
  }
}
