import { BulkDataError } from '@flatfhir/protocol'
import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCodeOf } from '../jobs/errors.ts'
import { CHAIN_START, chainLine, MAX_LINE_BYTES, type AuditAnchor } from './audit-chain.ts'
import { auditEventBody, type AuditEventBody } from './audit-event.ts'
import {
  createAuditFile,
  listAuditFiles,
  makeAuditDirectory,
  readAuditTail,
  removeUnfinishedFiles,
  type AuditTail,
} from './audit-files.ts'
import type { AuditLog, AuditRecord } from './audit-log.ts'
import { AuditSegments, type AuditSegment } from './audit-segments.ts'
import { AuditLogDamagedError, AuditLogFailedError } from './errors.ts'
import type { ExclusiveLock } from './exclusive-lock.ts'

const DEFAULT_MAX_FILE_BYTES = 64 * 1024 * 1024
/** What may wait to be written before further records are refused. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024

/** How an audit log is kept. */
export interface FileAuditLogOptions {
  /** Made if it is not there; for the files of this log and its lock only. */
  readonly directory: string
  /** Held while events are appended. Disposed of together with the log. */
  readonly lock: ExclusiveLock
  /**
   * A file that has become as large is followed by another, in bytes.
   *
   * @defaultValue 64 MiB
   */
  readonly maxFileBytes?: number
  /**
   * Name of this server in the events.
   *
   * @defaultValue `'flatfhir'`
   */
  readonly observer?: string
  /** @defaultValue the machine's clock */
  readonly clock?: () => Date
}

interface Pending {
  readonly body: AuditEventBody
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Keeps the audit log as FHIR R4 AuditEvents, one a line, in files that are only ever appended to.
 *
 * Each event holds the digest of the one before it, across files, processes and restarts, so that
 * nothing can be changed, removed or put in between unnoticed; see `verifyAuditLog`. Records that
 * arrive while others are being flushed share the next flush. Several processes may have the same log
 * open: the lock lets one append at a time, and each looks where the others have left off.
 *
 * What a crash has left of a line stays where it is. The log goes on in a new file, whose first event
 * names the digest of the half-written line.
 *
 * The format is described in docs/audit-log.md.
 */
export class FileAuditLog implements AuditLog {
  readonly #directory: string
  readonly #lock: ExclusiveLock
  readonly #maxFileBytes: number
  readonly #observer: string
  readonly #clock: () => Date
  #pending: Pending[] = []
  #pendingBytes = 0
  #flushing: Promise<void> | undefined
  #tail: AuditTail | undefined
  #appending: { readonly name: string; readonly handle: FileHandle } | undefined
  #closed = false

  private constructor(options: FileAuditLogOptions) {
    this.#directory = options.directory
    this.#lock = options.lock
    this.#maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES
    this.#observer = options.observer ?? 'flatfhir'
    this.#clock = options.clock ?? (() => new Date())
  }

  /**
   * Opens the log, and closes what a crash has left open.
   *
   * @throws AuditLogDamagedError when its last event is not what was written.
   * @throws AuditLogFailedError when the directory or the lock cannot be used.
   */
  static async open(options: FileAuditLogOptions): Promise<FileAuditLog> {
    const log = new FileAuditLog(options)
    try {
      await makeAuditDirectory(options.directory)
      await log.#locked(async () => {
        await removeUnfinishedFiles(options.directory)
        await log.#append([])
      })
      return log
    } catch (error) {
      await options.lock[Symbol.asyncDispose]()
      throw asAuditLogError(error)
    }
  }

  /** @throws AuditLogDamagedError when somebody has taken events away since the last record. */
  async record(record: AuditRecord): Promise<void> {
    if (this.#closed) throw new AuditLogFailedError('CLOSED')
    const body = auditEventBody(record, { recordedAt: this.#clock(), observer: this.#observer })
    const { length: bytes } = chainLine(body, CHAIN_START).bytes
    // The number of an event may take more digits than that of the first.
    if (bytes + 16 > MAX_LINE_BYTES) throw new AuditLogFailedError('TOO_LONG')
    if (this.#pendingBytes + bytes > MAX_PENDING_BYTES) throw new AuditLogFailedError('OVERLOADED')
    this.#pendingBytes += bytes
    const recorded = new Promise<void>((resolve, reject) => {
      this.#pending.push({ body, bytes, resolve, reject })
    })
    this.#flushing ??= this.#flush()
    await recorded
  }

  /** Writes what is pending first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#flushing
    await this.#closeFile()
    await this.#lock[Symbol.asyncDispose]()
  }

  /** Never rejects: the records do. */
  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      let batch: readonly Pending[] = []
      try {
        await this.#locked(async () => {
          // Taken as late as possible: whoever came while others held the lock is among them.
          batch = this.#takePending()
          await this.#append(batch.map(({ body }) => body))
        })
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const failed = batch.length > 0 ? batch : this.#takePending()
        for (const { reject } of failed) reject(asAuditLogError(error))
      }
    }
    this.#flushing = undefined
  }

  #takePending(): readonly Pending[] {
    const taken = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    return taken
  }

  async #locked(work: () => Promise<void>): Promise<void> {
    const release = await this.#lock.acquire()
    try {
      await work()
    } finally {
      release()
    }
  }

  async #append(bodies: readonly AuditEventBody[]): Promise<void> {
    const tail = await this.#currentTail()
    const now = this.#clock()
    const planned = new AuditSegments({ tail, now, maxFileBytes: this.#maxFileBytes })
    if (tail?.torn !== undefined) {
      const recovered = { name: 'log-recovered', ...tail.torn } as const
      planned.add(auditEventBody(recovered, { recordedAt: now, observer: this.#observer }), true)
    }
    for (const body of bodies) planned.add(body)
    try {
      for (const segment of planned.segments) await this.#store(segment)
    } catch (error) {
      // Part of a line may be there: the end of the log has to be looked at again.
      if (this.#tail !== undefined) this.#tail = { ...this.#tail, bytes: -1 }
      await this.#closeFile()
      throw error
    }
  }

  async #store({ file, isNew, lines, end }: AuditSegment): Promise<void> {
    const content = Buffer.concat(lines)
    if (isNew) await createAuditFile(this.#directory, file, content)
    else await this.#appendTo(file.name, content)
    this.#tail = end
  }

  async #appendTo(name: string, content: Buffer): Promise<void> {
    if (this.#appending?.name !== name) {
      await this.#closeFile()
      // Fails where the file has gone: it is not to be made anew.
      const flags = constants.O_WRONLY | constants.O_APPEND
      this.#appending = { name, handle: await open(join(this.#directory, name), flags) }
    }
    const { handle } = this.#appending
    for (let written = 0; written < content.length;) {
      written += (await handle.write(content, written)).bytesWritten
    }
    await handle.datasync()
  }

  async #closeFile(): Promise<void> {
    const appending = this.#appending
    this.#appending = undefined
    await appending?.handle.close()
  }

  /** Where the log ends now: another process may have appended to it. */
  async #currentTail(): Promise<AuditTail | undefined> {
    const known = this.#tail
    const newest = (await listAuditFiles(this.#directory)).at(-1)
    if (newest === undefined) {
      if (known !== undefined) throw new AuditLogDamagedError()
      return undefined
    }
    const { size } = await stat(join(this.#directory, newest.name))
    if (known?.file.name === newest.name && known.bytes === size) return known
    const tail = await readAuditTail(this.#directory, newest)
    if (known !== undefined && !mayFollow(tail.anchor, known.anchor)) {
      throw new AuditLogDamagedError()
    }
    this.#tail = tail
    return tail
  }
}

function mayFollow(anchor: AuditAnchor, known: AuditAnchor): boolean {
  if (anchor.sequence === known.sequence) return anchor.sha256 === known.sha256
  return anchor.sequence > known.sequence
}

function asAuditLogError(error: unknown): Error {
  return BulkDataError.is(error) && error.code.startsWith('AUDIT_LOG_')
    ? error
    : new AuditLogFailedError(reasonOf(error))
}

/** What the lock's own error says is more than its code. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') {
    return error.reason
  }
  return errorCodeOf(error)
}
