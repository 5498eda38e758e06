const SOON_SECONDS = 1
const MAX_RETRY_AFTER_SECONDS = 120
/** A client that asks four times during the rest of the work learns of its end soon enough. */
const LOOKS_UNTIL_THE_END = 4
/** Weight of a partition beside its bytes: opening, flushing and committing cost something too. */
const PARTITION_OVERHEAD_BYTES = 16 * 1024

/** A partition, as far as progress is concerned. */
export interface WeighedPartition {
  readonly index: number
  readonly estimatedBytes: number
  readonly committed: boolean
}

/**
 * How far a job has come, by bytes. The percentage never falls, not even when a partition has to be
 * done again, and stays below 100: only a job whose state is complete is complete.
 */
export class JobProgress {
  readonly #startedAtMs: number
  readonly #weights = new Map<number, number>()
  readonly #running = new Map<number, number>()
  #planned = false
  #total = 0
  #committed = 0
  #committedCount = 0
  #committedBefore = 0
  #highest = 0

  /** @param startedAtMs - When this process began to work on the job, in epoch milliseconds. */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs
  }

  plan(partitions: readonly WeighedPartition[]): void {
    this.#planned = true
    for (const { index, estimatedBytes, committed } of partitions) {
      const weight = PARTITION_OVERHEAD_BYTES + Math.max(0, estimatedBytes)
      this.#weights.set(index, weight)
      this.#total += weight
      if (committed) this.commit(index)
    }
    this.#committedBefore = this.#committed
  }

  /** @param bytes - Written so far in the attempt under way. */
  advance(index: number, bytes: number): void {
    this.#running.set(index, Math.min(bytes, this.#weights.get(index) ?? 0))
  }

  /** The attempt under way came to nothing. */
  reset(index: number): void {
    this.#running.delete(index)
  }

  commit(index: number): void {
    this.#running.delete(index)
    this.#committed += this.#weights.get(index) ?? 0
    this.#committedCount += 1
  }

  /** 0 to 99. */
  percent(): number {
    if (this.#total === 0) return this.#highest
    const now = Math.floor((100 * this.#done()) / this.#total)
    this.#highest = Math.max(this.#highest, Math.min(99, now))
    return this.#highest
  }

  /** For `X-Progress`. */
  text(): string {
    if (!this.#planned) return '0% complete, being planned'
    const partitions = `${this.#committedCount} of ${this.#weights.size} partitions written`
    return `${this.percent()}% complete, ${partitions}`
  }

  /** For `Retry-After`: grows with the time that the rest is expected to take. */
  retryAfterSeconds(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#startedAtMs)
    const doneHere = this.#done() - this.#committedBefore
    // Without a speed to go by, what is left is taken to be what has passed.
    const remainingMs =
      doneHere > 0 ? (elapsedMs * (this.#total - this.#done())) / doneHere : elapsedMs
    const seconds = Math.ceil(remainingMs / 1000 / LOOKS_UNTIL_THE_END)
    return Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(SOON_SECONDS, seconds))
  }

  #done(): number {
    let done = this.#committed
    for (const bytes of this.#running.values()) done += bytes
    return done
  }
}
