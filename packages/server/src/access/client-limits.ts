import type { ClientQuotas } from '@flatfhir/auth'
import { z } from 'zod'

/** How much each client may ask of the server, unless its registration says otherwise. */
export interface ClientLimits {
  /**
   * Exports that are accepted or running at one time.
   *
   * @defaultValue 50
   */
  readonly maxConcurrentJobs: number
  /**
   * Status requests per minute, for each job.
   *
   * @defaultValue 600
   */
  readonly maxPollsPerMinute: number
  /**
   * Bytes of output files as sent, per UTC day. The file that crosses the limit is still sent, the
   * next one is not. Counted in memory: a restart begins anew.
   *
   * @defaultValue 10 TiB
   */
  readonly maxBytesPerDay: number
}

const DEFAULT_LIMITS: ClientLimits = {
  maxConcurrentJobs: 50,
  maxPollsPerMinute: 600,
  maxBytesPerDay: 10 * 1024 ** 4,
}

const LIMITS = z
  .object({
    maxConcurrentJobs: z.int().positive(),
    maxPollsPerMinute: z.int().positive(),
    maxBytesPerDay: z.int().positive(),
  })
  .partial()

/**
 * Fills in the defaults.
 *
 * @throws RangeError that names the limit at fault.
 */
export function clientLimits(limits: Partial<ClientLimits> = {}): ClientLimits {
  const checked = LIMITS.safeParse(limits)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new RangeError(`Limit ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  return withDefaults(limits, DEFAULT_LIMITS)
}

/** The limits of one client: its quotas, and the server's limits where it has none. */
export function withDefaults(quotas: ClientQuotas, defaults: ClientLimits): ClientLimits {
  return {
    maxConcurrentJobs: quotas.maxConcurrentJobs ?? defaults.maxConcurrentJobs,
    maxPollsPerMinute: quotas.maxPollsPerMinute ?? defaults.maxPollsPerMinute,
    maxBytesPerDay: quotas.maxBytesPerDay ?? defaults.maxBytesPerDay,
  }
}
