import { TokenBuckets } from '../provider/token-buckets.ts'
import { fetchJwks, type FetchedJwks, type FetchJwksOptions } from './fetch-jwks.ts'
import { JwksUnavailableError } from './jwks-unavailable-error.ts'
import type { PublicJwk } from './public-jwks.ts'

/** How {@link RemoteJwks} fetches and remembers. */
export interface RemoteJwksOptions extends FetchJwksOptions {
  /**
   * An unknown `kid` makes a remembered set be fetched anew at most so often, per URL.
   *
   * @defaultValue 30
   */
  readonly refetchIntervalSeconds?: number
  /**
   * Fetches per URL and minute, whatever the reason: sets that may not be kept are fetched for
   * every assertion, also for forged ones.
   *
   * @defaultValue 60
   */
  readonly maxFetchesPerMinute?: number
  /**
   * Sets remembered at once; the one that was used longest ago goes first.
   *
   * @defaultValue 1000
   */
  readonly maxEntries?: number
}

interface Entry {
  readonly keys: readonly PublicJwk[]
  readonly fetchedAtMs: number
  readonly freshUntilMs: number
}

const DEFAULT_REFETCH_INTERVAL_SECONDS = 30
const DEFAULT_FETCHES_PER_MINUTE = 60
const DEFAULT_ENTRIES = 1000

/**
 * The keys behind JWKS URLs, remembered as long as their `Cache-Control` allows.
 *
 * Calls for one URL that come at the same time share one fetch. A failed fetch is not remembered,
 * and never falls back to keys whose time is over.
 */
export class RemoteJwks {
  readonly #options: RemoteJwksOptions
  /** In the order of use, the latest last. */
  readonly #entries = new Map<string, Entry>()
  readonly #fetches = new Map<string, Promise<readonly PublicJwk[]>>()
  readonly #budget: TokenBuckets

  constructor(options: RemoteJwksOptions) {
    this.#options = options
    const perMinute = options.maxFetchesPerMinute ?? DEFAULT_FETCHES_PER_MINUTE
    this.#budget = new TokenBuckets({ now: options.now, perMinute })
  }

  /**
   * The keys at a URL. When none of them has the `kid`, they are fetched anew, if they were not
   * fetched a moment ago: the client may have rotated its keys.
   *
   * @throws `JwksUnavailableError`, `JwksInvalidError`
   */
  async keysFor(url: string, kid: string): Promise<readonly PublicJwk[]> {
    const nowMs = this.#options.now().getTime()
    const entry = this.#entries.get(url)
    if (entry === undefined || nowMs >= entry.freshUntilMs) return this.#fetch(url)
    this.#remember(url, entry)
    if (entry.keys.some((key) => key.kid === kid)) return entry.keys
    const interval = this.#options.refetchIntervalSeconds ?? DEFAULT_REFETCH_INTERVAL_SECONDS
    return nowMs - entry.fetchedAtMs < interval * 1000 ? entry.keys : this.#fetch(url)
  }

  #fetch(url: string): Promise<readonly PublicJwk[]> {
    const running = this.#fetches.get(url)
    if (running !== undefined) return running
    if (this.#budget.take(url) > 0) {
      return Promise.reject(new JwksUnavailableError('too-often'))
    }
    const fetching = this.#fetchNow(url).finally(() => this.#fetches.delete(url))
    this.#fetches.set(url, fetching)
    return fetching
  }

  async #fetchNow(url: string): Promise<readonly PublicJwk[]> {
    // Counted from before the request, so that a slow answer is not kept longer than it may be.
    const fetchedAtMs = this.#options.now().getTime()
    const { jwks, lifetimeSeconds }: FetchedJwks = await fetchJwks(url, this.#options)
    this.#entries.delete(url)
    if (lifetimeSeconds > 0) {
      const freshUntilMs = fetchedAtMs + lifetimeSeconds * 1000
      this.#remember(url, { keys: jwks.keys, fetchedAtMs, freshUntilMs })
    }
    return jwks.keys
  }

  #remember(url: string, entry: Entry): void {
    this.#entries.delete(url)
    this.#entries.set(url, entry)
    const [oldest] = this.#entries.keys()
    const maxEntries = this.#options.maxEntries ?? DEFAULT_ENTRIES
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest)
  }
}
