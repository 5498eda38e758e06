const FIRST_MS = 1000
const LONGEST_MS = 60_000

/**
 * How long to wait before the next attempt: exponential, with jitter so that many clients that
 * failed together do not come back together.
 *
 * @param failures - Failures in a row so far; 1 after the first.
 * @param random - In [0, 1).
 * @returns Milliseconds, between half of the exponential step and all of it.
 */
export function backOffMs(failures: number, random: () => number): number {
  const step = Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS)
  return Math.round(step * (0.5 + random() / 2))
}
