import type { ClientCredential, Clock } from '@flatfhir/auth'
import type { ExportLevel } from '@flatfhir/protocol'
import type { Dispatcher } from 'undici'
import type { CheckEvent } from './check-event.ts'
import type { CheckId } from './check-id.ts'

/**
 * Hands out the bearer token for the server, from a cache where it can.
 *
 * @returns `undefined` to send the request without one.
 */
export type CheckTokenSource = (request: {
  /** The token that the server has just refused with a 401, when that is why. */
  readonly rejectedToken?: string
}) => Promise<string | undefined>

/** How to log in, for the checks of the token endpoint itself. */
export interface CheckLogin {
  readonly clientId: string
  readonly credential: ClientCredential
  /** Asked for with each token. */
  readonly scope?: string
  /**
   * The token endpoint.
   *
   * @defaultValue what the server's SMART configuration says
   */
  readonly tokenUrl?: string
}

/** How much a run may take of the server and of this machine. */
export interface CheckLimits {
  /**
   * Milliseconds for the whole run.
   *
   * @defaultValue 15 minutes
   */
  readonly totalMs: number
  /**
   * Milliseconds to wait for one export.
   *
   * @defaultValue 5 minutes
   */
  readonly exportMs: number
  /**
   * Milliseconds to wait for the head of an answer, or for more of its body.
   *
   * @defaultValue 30 seconds
   */
  readonly requestMs: number
  /**
   * Bytes to read of one file, after decompression. Of what is longer only the beginning is checked.
   *
   * @defaultValue 8 MiB
   */
  readonly fileBytes: number
  /**
   * Bytes to read in the whole run.
   *
   * @defaultValue 128 MiB
   */
  readonly totalBytes: number
  /**
   * Files to read of one export.
   *
   * @defaultValue 20
   */
  readonly files: number
  /**
   * Kick-off requests in the whole run, refused ones included.
   *
   * @defaultValue 60
   */
  readonly kickOffs: number
}

/** What to check, and how far to go. */
export interface CheckOptions {
  /** The server's FHIR base URL, for example `https://ehr.example.org/fhir`. */
  readonly url: string
  /** For servers that ask for tokens; without it those checks are skipped that need one. */
  readonly accessToken?: CheckTokenSource | undefined
  /** Sent with every request to the server's own origin, such as `Epic-Client-ID`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** For the checks of the token endpoint; without it they are skipped. */
  readonly login?: CheckLogin | undefined
  /**
   * Levels to try.
   *
   * @defaultValue those of the CapabilityStatement, Group only with `groupId`
   */
  readonly levels?: readonly ExportLevel[] | undefined
  /** @defaultValue every check */
  readonly only?: readonly CheckId[] | undefined
  /** A small Group for Group level exports. */
  readonly groupId?: string | undefined
  /**
   * The type that exports are limited to.
   *
   * @defaultValue `Patient`
   */
  readonly type?: string | undefined
  /** Sent as `_since` with every export, to keep them small on a server with much data. */
  readonly since?: Date | undefined
  readonly limits?: Partial<CheckLimits> | undefined
  /** Stops the run; what it has started is deleted nevertheless. */
  readonly signal?: AbortSignal | undefined
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined
  /** @defaultValue undici's own */
  readonly dispatcher?: Dispatcher | undefined
  /** Told what happens, as it happens. */
  readonly onEvent?: ((event: CheckEvent) => void) | undefined
}

/** The limits of a run that does not say others. */
export const DEFAULT_CHECK_LIMITS: CheckLimits = {
  totalMs: 15 * 60_000,
  exportMs: 5 * 60_000,
  requestMs: 30_000,
  fileBytes: 8 * 2 ** 20,
  totalBytes: 128 * 2 ** 20,
  files: 20,
  kickOffs: 60,
}
