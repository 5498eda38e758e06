/** Where the client takes the time from, and how it waits. Tests pass one whose waits take no time. */
export interface Clock {
  now(): Date
  /**
   * Resolves after `ms` milliseconds.
   *
   * @throws the signal's reason, as soon as the signal is aborted.
   */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

// setTimeout turns a longer delay into 1 ms, which would turn a far Retry-After into a hot loop.
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      const fail = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', fail)
          resolve()
        },
        Math.min(Math.max(ms, 0), LONGEST_TIMER_MS),
      )
      if (signal?.aborted === true) fail()
      else signal?.addEventListener('abort', fail, { once: true })
    }),
}
