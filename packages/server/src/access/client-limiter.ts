import { TokenBuckets } from '@flatfhir/auth'
import type { RegisteredClient } from '@flatfhir/auth'
import { RequestRefusedError } from '../http/request-refused-error.ts'
import { withDefaults, type ClientLimits } from './client-limits.ts'
import { DailyBytes, type BytesReservation } from './daily-bytes.ts'
import { SerialPerKey } from './serial-per-key.ts'

/** When to try again while too many jobs are running; nobody knows when one of them ends. */
const JOBS_RETRY_AFTER_SECONDS = 30

/** The client of a request, as far as its limits go. */
export type LimitedClient = Pick<RegisteredClient, 'clientId' | 'quotas'>

/**
 * Keeps each client within its limits. Requests without a client, which there are only while nobody
 * has to log in, have none.
 */
export class ClientLimiter {
  readonly #defaults: ClientLimits
  readonly #clock: () => Date
  readonly #kickOffs = new SerialPerKey()
  /** By the rate that they keep to. */
  readonly #polls = new Map<number, TokenBuckets>()
  readonly #bytes: DailyBytes

  constructor(defaults: ClientLimits, clock: () => Date) {
    this.#defaults = defaults
    this.#clock = clock
    this.#bytes = new DailyBytes(clock)
  }

  /**
   * Starts a job when the client may have one more; one start at a time, or several could each see
   * the last free place.
   *
   * @param countUnfinished - How many jobs the client has that are accepted or running.
   * @throws RequestRefusedError with 429.
   */
  async startJob<Result>(
    client: LimitedClient | undefined,
    countUnfinished: () => Promise<number>,
    start: () => Promise<Result>,
  ): Promise<Result> {
    if (client === undefined) return await start()
    const { maxConcurrentJobs } = withDefaults(client.quotas, this.#defaults)
    return await this.#kickOffs.run(client.clientId, async () => {
      if ((await countUnfinished()) < maxConcurrentJobs) return await start()
      const diagnostics = `${maxConcurrentJobs} exports of this client are under way, which is its limit: wait for one, or delete one`
      throw tooManyRequests(diagnostics, JOBS_RETRY_AFTER_SECONDS)
    })
  }

  /** @throws RequestRefusedError with 429 when the job was asked about too often. */
  countPoll(client: LimitedClient | undefined, jobId: string): void {
    if (client === undefined) return
    const { maxPollsPerMinute } = withDefaults(client.quotas, this.#defaults)
    const waitSeconds = this.#bucketsOf(maxPollsPerMinute).take(jobId)
    if (waitSeconds === 0) return
    const diagnostics = `The status of an export may be asked for ${maxPollsPerMinute} times a minute: wait as long as Retry-After says`
    throw tooManyRequests(diagnostics, waitSeconds)
  }

  /**
   * Counts bytes that are about to be sent.
   *
   * @throws RequestRefusedError with 429 when the client has had its share of the day.
   */
  reserveBytes(client: LimitedClient | undefined, bytes: number): BytesReservation {
    if (client === undefined) return { settle: () => undefined }
    const { maxBytesPerDay } = withDefaults(client.quotas, this.#defaults)
    const reserved = this.#bytes.reserve(client.clientId, { bytes, maxBytes: maxBytesPerDay })
    if (typeof reserved !== 'number') return reserved
    const diagnostics = `This client has got ${maxBytesPerDay} bytes of files today (UTC), which is its limit`
    throw tooManyRequests(diagnostics, reserved)
  }

  #bucketsOf(perMinute: number): TokenBuckets {
    const buckets = this.#polls.get(perMinute) ?? new TokenBuckets({ now: this.#clock, perMinute })
    this.#polls.set(perMinute, buckets)
    return buckets
  }
}

function tooManyRequests(diagnostics: string, retryAfterSeconds: number): RequestRefusedError {
  return new RequestRefusedError({
    status: 429,
    issueType: 'throttled',
    diagnostics,
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}
