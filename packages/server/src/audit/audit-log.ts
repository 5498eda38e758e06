import type { ExportLevel, OutputFileKind } from '@flatfhir/protocol'
import type { ByteRange } from '../output-file-store.ts'

/**
 * Where everything is written down that HIPAA wants to be examined later (45 CFR 164.312(b)): who
 * got, or tried to get, access to health data, when, to what, and how much of it.
 *
 * A record is about access. It never holds patient data, tokens, keys, bodies, or URLs with queries.
 */
export interface AuditLog extends AsyncDisposable {
  /**
   * Writes one record down. When the promise resolves, the record survives a power cut.
   *
   * Callers await it before they let the outside world see the effect: before a token, a kick-off's
   * or a deletion's answer is sent, and after the last byte of a file. What cannot be recorded is
   * not to be allowed.
   *
   * @throws AuditLogFailedError when it could not be written; the caller answers 500.
   */
  record(record: AuditRecord): Promise<void>
}

/** Who did something, as far as it is known. */
export interface AuditActor {
  /** As registered; `undefined` while nobody has to log in, and before anybody has. */
  readonly clientId?: string | undefined
  /** Address of the other end of the connection, without port. */
  readonly address?: string | undefined
}

/** A server began to answer requests. */
export interface ServerStarted {
  readonly name: 'server-started'
  readonly accessMode: 'smart' | 'none'
  /** Of flatfhir. */
  readonly version?: string | undefined
}

/** A client got an access token. */
export interface TokenIssued extends AuditActor {
  readonly name: 'token-issued'
  readonly clientId: string
  /** Granted scopes, separated by spaces. */
  readonly scope: string
  readonly expiresInSeconds?: number | undefined
}

/** Somebody asked for an access token and did not get one. */
export interface TokenRefused extends AuditActor {
  readonly name: 'token-refused'
  /** Only where it names a registered client: anything else is whatever a stranger has sent. */
  readonly clientId?: string | undefined
  /** OAuth error code, or a finer code of our own, such as `invalid_client` or `replayed-jti`. */
  readonly reason: string
}

/** A request for data was refused to a client, or to somebody without a valid token. */
export interface AccessRefused extends AuditActor {
  readonly name: 'access-refused'
  readonly attempted: 'kick-off' | 'status' | 'file' | 'delete' | 'resource'
  /** A code such as `insufficient-scope`, `invalid-token`, `not-owner` or `group-not-allowed`. */
  readonly reason: string
  readonly jobId?: string | undefined
  readonly fileId?: string | undefined
}

/** A client kicked an export off. */
export interface ExportKickedOff extends AuditActor {
  readonly name: 'kick-off'
  readonly jobId: string
  readonly level: ExportLevel
  readonly groupId?: string | undefined
  /** Effective types; `undefined` means all. */
  readonly types?: readonly string[] | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** How many patients were named; never which. */
  readonly patientCount?: number | undefined
}

/** A client got an output file, or a part of one. */
export interface FileServed extends AuditActor {
  readonly name: 'file-served'
  readonly jobId: string
  readonly fileId: string
  readonly kind?: OutputFileKind | undefined
  readonly type: string
  /** Resources in the whole file. */
  readonly resourceCount?: number | undefined
  /** What was asked for, of the representation that was sent; `undefined` for all of it. */
  readonly range?: ByteRange | undefined
  /** Bytes of the body that were sent. */
  readonly bytes: number
  /** `false` when the connection ended before everything was sent. */
  readonly complete: boolean
}

/** A job was deleted together with its files. */
export interface JobDeleted extends AuditActor {
  readonly name: 'job-deleted'
  readonly jobId: string
  readonly cause: 'requested' | 'expired'
}

/** An operator changed the register of clients. */
export interface ClientChanged {
  readonly name: 'client-added' | 'client-rotated' | 'client-revoked'
  readonly clientId: string
  /** Account of the operating system that ran the command, if known. */
  readonly operator?: string | undefined
  /** Registered scopes, for `client-added`. */
  readonly scope?: string | undefined
  /** Allowed Groups, for `client-added`. */
  readonly groupIds?: readonly string[] | undefined
}

/** What an {@link AuditLog} takes. */
export type AuditRecord =
  | ServerStarted
  | TokenIssued
  | TokenRefused
  | AccessRefused
  | ExportKickedOff
  | FileServed
  | JobDeleted
  | ClientChanged
