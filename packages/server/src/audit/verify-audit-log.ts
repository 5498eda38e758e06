import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCodeOf } from '../jobs/errors.ts'
import { CHAIN_START, MAX_LINE_BYTES, readLink, sha256, type AuditAnchor } from './audit-chain.ts'
import { AUDIT_RECORD_SYSTEM } from './audit-codes.ts'
import type { LogRecovered } from './audit-event.ts'
import { listAuditFiles, type AuditFileName } from './audit-files.ts'
import { AuditLogFailedError } from './errors.ts'
import type { ExclusiveLock } from './exclusive-lock.ts'

const LINE_FEED = 0x0a
const READ_BYTES = 1024 * 1024

/**
 * What is wrong with a log.
 *
 * - `malformed-line`: not an event of this log.
 * - `changed-line`: an event whose line is not the one that was written.
 * - `broken-chain`: the event does not follow the one before it: something was removed, put in
 *   between, or moved.
 * - `torn-line`: a line without end. At the end of the newest file it is what a crash leaves until the
 *   server starts again; anywhere else, no event accounts for it.
 * - `empty-file`, `unexpected-file`: no such file is ever made.
 * - `anchor-missing`: the log ends before the event that is known to have been there.
 * - `anchor-differs`: that event is another one.
 */
export type AuditFaultKind =
  | 'malformed-line'
  | 'changed-line'
  | 'broken-chain'
  | 'torn-line'
  | 'empty-file'
  | 'unexpected-file'
  | 'anchor-missing'
  | 'anchor-differs'

/** The first fault of a log. */
export interface AuditFault {
  readonly kind: AuditFaultKind
  /** Name of the file; empty for a log without files. */
  readonly file: string
  /** 1-based; 0 where the file as a whole is meant. */
  readonly line: number
}

/** What came out of a verification. */
export type AuditVerification =
  | {
      readonly ok: true
      readonly events: number
      readonly files: number
      /** The newest event, to be kept elsewhere; `undefined` for a log without events. */
      readonly head: AuditAnchor | undefined
    }
  | { readonly ok: false; readonly fault: AuditFault }

/** What is known about a log from elsewhere. */
export interface VerifyAuditLogOptions {
  /**
   * An event that was there once, as `head` of an earlier verification: without it, nobody can tell
   * a log that was cut at its end from a younger one.
   */
  readonly anchor?: AuditAnchor
  /** The last event of the files that were archived: the chain begins after it. */
  readonly start?: AuditAnchor
  /**
   * Held for a moment, so that a log which is being written is looked at between two events. Not
   * disposed of.
   */
  readonly lock?: ExclusiveLock
}

/**
 * Checks every line of a log against the chain.
 *
 * @throws AuditLogFailedError when the directory or a file cannot be read.
 */
export async function verifyAuditLog(
  directory: string,
  options: VerifyAuditLogOptions = {},
): Promise<AuditVerification> {
  try {
    const files = await sizedFiles(directory, options.lock)
    const stranger = await unexpectedFile(directory)
    if (stranger !== undefined) {
      return { ok: false, fault: { kind: 'unexpected-file', file: stranger, line: 0 } }
    }
    return await new AuditVerifier(options).verify(directory, files)
  } catch (error) {
    throw new AuditLogFailedError(errorCodeOf(error))
  }
}

interface SizedFile extends AuditFileName {
  readonly bytes: number
}

async function sizedFiles(
  directory: string,
  lock: ExclusiveLock | undefined,
): Promise<readonly SizedFile[]> {
  const release = await lock?.acquire()
  try {
    const files = await listAuditFiles(directory)
    return await Promise.all(
      files.map(async (file) => {
        return { ...file, bytes: (await stat(join(directory, file.name))).size }
      }),
    )
  } finally {
    release?.()
  }
}

async function unexpectedFile(directory: string): Promise<string | undefined> {
  const known = new Set((await listAuditFiles(directory)).map(({ name }) => name))
  const names = await readdir(directory)
  return names.find((name) => name.endsWith('.ndjson') && !known.has(name))
}

class AuditVerifier {
  readonly #anchor: AuditAnchor | undefined
  readonly #start: AuditAnchor
  #head: AuditAnchor
  #events = 0
  #torn: Omit<LogRecovered, 'name'> | undefined
  /** Where the torn line is, until an event accounts for it. */
  #tornAt: AuditFault | undefined

  constructor({ anchor, start = CHAIN_START }: VerifyAuditLogOptions) {
    this.#anchor = anchor
    this.#start = start
    this.#head = start
  }

  async verify(directory: string, files: readonly SizedFile[]): Promise<AuditVerification> {
    for (const file of files) {
      const fault = await this.#verifyFile(directory, file)
      if (fault !== undefined) return { ok: false, fault }
    }
    const fault = this.#tornAt ?? this.#anchorFault(files.at(-1)?.name ?? '')
    if (fault !== undefined) return { ok: false, fault }
    const head = this.#events === 0 ? undefined : this.#head
    return { ok: true, events: this.#events, files: files.length, head }
  }

  async #verifyFile(directory: string, file: SizedFile): Promise<AuditFault | undefined> {
    if (file.bytes === 0) return { kind: 'empty-file', file: file.name, line: 0 }
    let line = 0
    for await (const { bytes, isWhole } of linesOf(join(directory, file.name), file.bytes)) {
      line += 1
      if (!isWhole) return this.#tear(bytes, { kind: 'torn-line', file: file.name, line })
      const kind = this.#verifyLine(bytes, line)
      if (kind !== undefined) return { kind, file: file.name, line }
    }
    return undefined
  }

  /** A later event may account for it, unless the file has no other line: files begin whole. */
  #tear(bytes: Buffer, fault: AuditFault): AuditFault | undefined {
    if (fault.line === 1) return fault
    this.#torn = { file: fault.file, bytes: bytes.length, sha256: sha256(bytes) }
    this.#tornAt = fault
    return undefined
  }

  #verifyLine(line: Buffer, lineNumber: number): AuditFaultKind | undefined {
    const link = readLink(line)
    if (typeof link === 'string') return link
    const { event, previous } = link
    if (event.sequence !== this.#head.sequence + 1 || previous !== this.#head.sha256) {
      return 'broken-chain'
    }
    if (lineNumber === 1 && !this.#accountsForTornLine(line)) return 'broken-chain'
    this.#head = event
    this.#events += 1
    const anchor = this.#anchor
    if (event.sequence !== anchor?.sequence) return undefined
    return event.sha256 === anchor.sha256 ? undefined : 'anchor-differs'
  }

  /** After a torn line, a file has to begin with the event that names it. */
  #accountsForTornLine(line: Buffer): boolean {
    const torn = this.#torn
    this.#torn = undefined
    this.#tornAt = undefined
    if (torn === undefined) return true
    const recovered = recoveredBy(line)
    return (
      recovered?.file === torn.file &&
      recovered.bytes === torn.bytes &&
      recovered.sha256 === torn.sha256
    )
  }

  #anchorFault(file: string): AuditFault | undefined {
    const anchor = this.#anchor
    if (anchor === undefined || anchor.sequence <= this.#start.sequence) return undefined
    return anchor.sequence > this.#head.sequence
      ? { kind: 'anchor-missing', file, line: 0 }
      : undefined
  }
}

interface AuditLine {
  /** Without the line feed. */
  readonly bytes: Buffer
  /** It ends with a line feed. */
  readonly isWhole: boolean
}

/** The lines among the first bytes of a file. A line longer than any event is cut into pieces. */
async function* linesOf(path: string, bytes: number): AsyncGenerator<AuditLine, void, void> {
  let rest: Buffer = Buffer.alloc(0)
  const chunks: AsyncIterable<Buffer> = createReadStream(path, {
    end: bytes - 1,
    highWaterMark: READ_BYTES,
  })
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED, start)) {
      yield { bytes: rest.subarray(start, end), isWhole: true }
      start = end + 1
    }
    rest = rest.subarray(start)
    // Malformed, which its reader finds out and stops.
    if (rest.length > MAX_LINE_BYTES) yield { bytes: rest.subarray(0, 1), isWhole: true }
  }
  if (rest.length > 0) yield { bytes: rest, isWhole: false }
}

interface RecoveredEvent {
  readonly subtype: readonly { readonly system: string; readonly code: string }[]
  readonly entity: readonly {
    readonly what: { readonly identifier: { readonly value: string } }
    readonly detail: readonly { readonly type: string; readonly valueString: string }[]
  }[]
}

/** What a recovery event says; `undefined` for any other line, a forged one included. */
function recoveredBy(line: Buffer): Omit<LogRecovered, 'name'> | undefined {
  try {
    const { subtype, entity } = JSON.parse(line.toString('utf8')) as RecoveredEvent
    const isRecovery = subtype.some(({ system, code }) => {
      return system === AUDIT_RECORD_SYSTEM && code === 'log-recovered'
    })
    const [about] = entity
    if (!isRecovery || about === undefined) return undefined
    const details = new Map(about.detail.map(({ type, valueString }) => [type, valueString]))
    const { value: file } = about.what.identifier
    return { file, bytes: Number(details.get('bytes')), sha256: details.get('sha256') ?? '' }
  } catch {
    return undefined
  }
}
