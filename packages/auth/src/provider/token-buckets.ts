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
  readonly tokens: number
  readonly atMs: number
}

const DEFAULT_KEYS = 10_000
const MS_PER_MINUTE = 60_000

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
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: perMinute, atMs: nowMs }
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - atMs)
    const filled = Math.min(perMinute, tokens + (elapsedMs * perMinute) / MS_PER_MINUTE)
    if (filled < 1) {
      this.#remember(key, { tokens: filled, atMs: nowMs })
      return Math.max(1, Math.ceil(((1 - filled) * MS_PER_MINUTE) / perMinute / 1000))
    }
    this.#remember(key, { tokens: filled - 1, atMs: nowMs })
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
