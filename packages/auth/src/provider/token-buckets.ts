/** How fast {@link TokenBuckets} let a key go. */
export interface TokenBucketsOptions {
  readonly now: () => Date
  /** Uses per minute in the long run, for each key; also how many may come at once. */
  readonly perMinute: number
  /**
   * Keys remembered; the one that was used longest ago is forgotten first.
   *
   * @defaultValue 10000
   */
  readonly maxKeys?: number
}

interface Bucket {
  /** Sixty thousand make one use, so that whole milliseconds add whole numbers without rounding. */
  readonly credit: number
  readonly atMs: number
}

const DEFAULT_KEYS = 10_000
/** Milliseconds of a minute: each adds `perMinute` of credit. */
const CREDIT_PER_USE = 60_000

/** Limits how often something happens, for each of many keys, in bounded memory. */
export class TokenBuckets {
  readonly #options: TokenBucketsOptions
  /** In the order of use, the latest last. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: TokenBucketsOptions) {
    this.#options = options
  }

  /**
   * Takes one use.
   *
   * @returns 0 when it was there; else the whole seconds, 1 or more, after which one will be.
   */
  take(key: string): number {
    const { perMinute } = this.#options
    const nowMs = this.#options.now().getTime()
    const full = perMinute * CREDIT_PER_USE
    const { credit, atMs } = this.#buckets.get(key) ?? { credit: full, atMs: nowMs }
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - atMs)
    const filled = Math.min(full, credit + elapsedMs * perMinute)
    if (filled < CREDIT_PER_USE) {
      this.#remember(key, { credit: filled, atMs: nowMs })
      return Math.ceil((CREDIT_PER_USE - filled) / perMinute / 1000)
    }
    this.#remember(key, { credit: filled - CREDIT_PER_USE, atMs: nowMs })
    return 0
  }

  #remember(key: string, bucket: Bucket): void {
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    const [oldest] = this.#buckets.keys()
    const maxKeys = this.#options.maxKeys ?? DEFAULT_KEYS
    if (this.#buckets.size > maxKeys && oldest !== undefined) this.#buckets.delete(oldest)
  }
}
