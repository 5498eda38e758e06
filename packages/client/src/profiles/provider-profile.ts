import type { Edition } from '@flatfhir/protocol'

/** How a provider is recognised in its CapabilityStatement; all that is given must match. */
export interface ProfileDetection {
  /** Regular expression, without regard to case, for `software.name`. */
  readonly softwareName?: string
  /** The same for `publisher`. */
  readonly publisher?: string
  /** The same for `implementation.description` and `implementation.url`. */
  readonly implementation?: string
  /** The same for the host of the FHIR base URL. */
  readonly host?: string
}

/**
 * What is known of a vendor's manners beyond the specification. Data: a new vendor is a new entry,
 * not new code.
 */
export interface ProviderProfile {
  readonly id: string
  readonly name: string
  /** Any of these is enough; none for profiles that are only chosen by name. */
  readonly detect: readonly ProfileDetection[]
  /** How lists are written in a GET: `_type=A,B` or `_type=A&_type=B`. */
  readonly listStyle: 'comma' | 'repeat'
  /** Method of the kick-off where both are possible. */
  readonly preferredMethod: 'GET' | 'POST'
  /** Edition when the CapabilityStatement does not tell. */
  readonly edition: Edition
  /** Shortest time between two status requests, in seconds; a `Retry-After` may ask for more. */
  readonly pollFloorSeconds: number
  /** Longest `Retry-After` that makes sense here, in seconds, where the caller sets none. */
  readonly maxRetryAfterSeconds: number
  /** OperationOutcome issue codes that, with a 4XX or 5XX at kick-off, mean "later", and how long. */
  readonly kickOffCoolDown?: {
    readonly statuses: readonly number[]
    /** Regular expression, without regard to case, for the answer's text. */
    readonly text?: string
    readonly waitSeconds: number
  }
  /**
   * - `provider`: files lie at the provider's origin.
   * - `pre-signed`: files redirect to, or lie at, pre-signed URLs elsewhere, which get no token.
   */
  readonly fileHosts: 'provider' | 'pre-signed'
  /** Whether one must send a Delete Request, because the next export is refused without. */
  readonly deleteRequired: boolean
  /** Status codes of a status request that are transient here although they carry an outcome. */
  readonly transientStatuses: readonly number[]
  /** What exports of this vendor lack; the receipt repeats it. */
  readonly knownGaps: readonly string[]
  /**
   * Whether `_since` leaves out what did not change. Where it does not, every sync is a full one.
   *
   * @defaultValue `'supported'`
   */
  readonly since?: 'supported' | 'not-supported'
  /**
   * Levels at which an export with `_since` holds the whole history of patients who joined after it.
   * Elsewhere a sync fetches the history of joiners by the `patient` parameter.
   *
   * @defaultValue none
   */
  readonly joinersHistory?: readonly ('patient' | 'group')[]
  /**
   * Levels at which an export with `_since` may hold, once more, everything of patients who joined after
   * it: where old resources come of them, the provider has not ignored `_since`.
   *
   * @defaultValue none
   */
  readonly repeatsHistory?: readonly ('patient' | 'group')[]
  /**
   * Whether a kick-off may name patients by `patient`.
   *
   * @defaultValue `'supported'`: unless the provider refuses it
   */
  readonly patientParameter?: 'supported' | 'not-supported'
  /**
   * Whether a kick-off may have `_elements`.
   *
   * @defaultValue `'supported'`: unless the provider refuses it
   */
  readonly elements?: 'supported' | 'not-supported'
  /**
   * The `_since` that makes an export a full one, where leaving it out does not; ISO 8601.
   */
  readonly fullSince?: string
}
