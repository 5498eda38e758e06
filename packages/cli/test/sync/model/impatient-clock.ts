import type { Clock } from '@flatfhir/client'

/** The machine's clock, for whom nobody is made to wait for long. */
export const IMPATIENT_CLOCK: Clock = {
  now: () => new Date(),
  wait: async (ms, signal) => {
    signal?.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 10)))
    signal?.throwIfAborted()
  },
}
