import type { Edition, ExportLevel } from '@flatfhir/protocol'
import type { Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import type { ExportEvent } from './export-event.ts'
import type { ExportParameters } from './export-parameters.ts'
import type { ProviderProfile } from './profiles/provider-profile.ts'

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

/** What to do with attachments that resources refer to by URL. */
export interface AttachmentOptions {
  /**
   * - `skip`: nothing.
   * - `files`: content goes to `attachments/`; `attachments/index.ndjson` tells which is which.
   *   Resources stay as they are.
   * - `inline`: as `files`, and a copy of each file with the content in `Attachment.data` is written
   *   to `attachments/inlined/`.
   */
  readonly mode: 'skip' | 'files' | 'inline'
  /**
   * Largest attachment that is fetched, in bytes.
   *
   * @defaultValue 64 MiB
   */
  readonly maxBytes?: number | undefined
  /**
   * Media types that are fetched: `application/pdf`, `text/*`.
   *
   * @defaultValue every type
   */
  readonly mediaTypes?: readonly string[] | undefined
}

/** What to export, whence, whither, and how politely. */
export interface ExportOptions {
  /** The provider's FHIR base URL, for example `https://ehr.example.org/fhir`. */
  readonly url: string
  readonly level: ExportLevel
  /** Id of the Group; needed at level `group`, not allowed at the others. */
  readonly groupId?: string | undefined
  /** Kick-off parameters; those that are left out are not sent. */
  readonly parameters?: ExportParameters | undefined
  /**
   * Edition of the IG to speak; `auto` asks the provider's CapabilityStatement.
   *
   * @defaultValue `'auto'`
   */
  readonly edition?: Edition | 'auto' | undefined
  /**
   * What is known of the provider's manners: id of a built-in profile, one of your own, or `auto` to
   * find out from the CapabilityStatement.
   *
   * @defaultValue `'auto'`
   */
  readonly profile?: ProviderProfile | string | undefined
  /** Sends `Prefer: handling=lenient`: parameters that the provider does not know are ignored. */
  readonly lenient?: boolean | undefined
  /**
   * Sends `Prefer: separate-export-status`: HTTP statuses then tell of the request alone, not of the
   * job.
   *
   * @defaultValue `false`
   */
  readonly separateExportStatus?: boolean | undefined
  /** The HTTP method of the kick-off request. Default: POST where the edition or `patients` needs it. */
  readonly method?: 'GET' | 'POST' | undefined
  /**
   * Folder for the files. Made when it is missing; otherwise empty, or left by the same export, which
   * then goes on.
   */
  readonly directory: string
  /**
   * Keeps the files gzip-compressed, named `….ndjson.gz`: as the provider sent them, or compressed
   * here when it sent them plain.
   *
   * @defaultValue `false`
   */
  readonly gzip?: boolean | undefined
  /**
   * Packs files of the same type into larger local files of about so many bytes, without touching a
   * line. Not with `gzip`.
   */
  readonly compactBytes?: number | undefined
  /** What to do with `Attachment.url`. Default: nothing. */
  readonly attachments?: AttachmentOptions | undefined
  /**
   * Counts references that lead to no resource of the export.
   *
   * @defaultValue `true`
   */
  readonly checkReferences?: boolean | undefined
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
  /** Ends the run: the promise rejects with `EXPORT_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /**
   * What an aborted run does with the export: `delete` it at the provider for good, or `keep` it, to
   * be taken up again by the same call.
   *
   * @defaultValue `'delete'`
   */
  readonly onAbort?: 'delete' | 'keep' | undefined
  /** Told of everything that happens, in order. Must not throw and should return quickly. */
  readonly onEvent?: ((event: ExportEvent) => void) | undefined
  /** undici dispatcher for all requests; not closed by the run. Default: a pool of its own. */
  readonly dispatcher?: Dispatcher | undefined
  readonly clock?: Clock | undefined
  /** Random number in [0, 1) for jitter. */
  readonly random?: (() => number) | undefined
}

/** Options of calls that work on an export that was started before; the rest is in its folder. */
export type ResumeOptions = Omit<
  ExportOptions,
  | 'url'
  | 'level'
  | 'groupId'
  | 'parameters'
  | 'edition'
  | 'method'
  | 'lenient'
  | 'separateExportStatus'
  | 'gzip'
  | 'compactBytes'
  | 'attachments'
  | 'checkReferences'
>
