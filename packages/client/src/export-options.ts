import type { ExportLevel, KickOffParameters } from '@flatfhir/protocol'
import type { Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import type { ExportEvent } from './export-event.ts'

/** Why an access token is asked for. */
export interface AccessTokenRequest {
  /** The token that the provider has just refused with a 401, when that is why. */
  readonly rejectedToken?: string
}

/**
 * Hands out the bearer token for the provider, from a cache where it can.
 *
 * The token goes to the origin of {@link ExportOptions.url} only: never to another one that a
 * manifest or a redirect names, and never to files whose manifest says `requiresAccessToken: false`.
 *
 * @returns `undefined` to send the request without one.
 */
export type AccessTokenSource = (request: AccessTokenRequest) => Promise<string | undefined>

/** What to export, whence, whither, and how politely. */
export interface ExportOptions {
  /** The provider's FHIR base URL, for example `https://ehr.example.org/fhir`. */
  readonly url: string
  readonly level: ExportLevel
  /** Id of the Group; needed at level `group`, not allowed at the others. */
  readonly groupId?: string | undefined
  /** Kick-off parameters; those that are left out are not sent. */
  readonly parameters?: Partial<KickOffParameters> | undefined
  /**
   * The HTTP method of the kick-off request.
   *
   * @defaultValue `'GET'`
   */
  readonly method?: 'GET' | 'POST' | undefined
  /** Folder for the files. Made when it is missing; must be empty when it is not. */
  readonly directory: string
  /**
   * Keeps the files gzip-compressed, named `….ndjson.gz`: as the provider sent them, or compressed
   * here when it sent them plain.
   *
   * @defaultValue `false`
   */
  readonly gzip?: boolean | undefined
  /**
   * Files downloaded at the same time at most. The actual number falls when the provider throttles,
   * and recovers.
   *
   * @defaultValue 5
   */
  readonly concurrency?: number | undefined
  /**
   * Threads that parse lines.
   *
   * @defaultValue 2
   */
  readonly verificationThreads?: number | undefined
  /**
   * Sends the Delete Request when everything is on disk and checked. An incomplete export is left
   * with the provider, so that what is missing can still be fetched.
   *
   * @defaultValue `true`
   */
  readonly deleteWhenDone?: boolean | undefined
  /**
   * Longest wait that a provider's `Retry-After` can impose, in seconds.
   *
   * @defaultValue 3600
   */
  readonly maxRetryAfterSeconds?: number | undefined
  /**
   * Silence after which a connection counts as dropped, in milliseconds. There is no limit on the
   * total time of a download that keeps moving.
   *
   * @defaultValue 60000
   */
  readonly idleTimeoutMs?: number | undefined
  /**
   * Attempts in a row without progress, for each request, before it counts as failed. Throttled
   * answers (429, 503 with `Retry-After`) are waits, not attempts.
   *
   * @defaultValue 5
   */
  readonly maxAttempts?: number | undefined
  /**
   * Throttled answers in a row, for each request, before it counts as failed.
   *
   * @defaultValue 100
   */
  readonly maxThrottles?: number | undefined
  /**
   * Longest line accepted, in bytes.
   *
   * @defaultValue 64 MiB
   */
  readonly maxLineBytes?: number | undefined
  /**
   * How many times larger than its compressed form a file may be; looked at from 16 MiB on.
   *
   * @defaultValue 400
   */
  readonly maxDecompressionRatio?: number | undefined
  /** Headers for every request to the provider's origin, for example `Epic-Client-ID`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly accessToken?: AccessTokenSource | undefined
  /** Abandons the run: the export is deleted at the provider and the promise rejects. */
  readonly signal?: AbortSignal | undefined
  /** Told of everything that happens, in order. Must not throw and should return quickly. */
  readonly onEvent?: ((event: ExportEvent) => void) | undefined
  /** undici dispatcher for all requests; not closed by the run. Default: a pool of its own. */
  readonly dispatcher?: Dispatcher | undefined
  readonly clock?: Clock | undefined
  /** Random number in [0, 1) for jitter. */
  readonly random?: (() => number) | undefined
}
