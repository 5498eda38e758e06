/** Where waiting code takes the time from. Tests pass one whose waits take no time. */
export interface Clock {
  now(): Date
  /**
   * Resolves after `ms` milliseconds.
   *
   * @throws the signal's reason, as soon as the signal is aborted.
   */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      const fail = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', fail)
        resolve()
      }, ms)
      if (signal?.aborted === true) fail()
      else signal?.addEventListener('abort', fail, { once: true })
    }),
}
