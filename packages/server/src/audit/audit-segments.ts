import { CHAIN_START, chainLine, type AuditAnchor } from './audit-chain.ts'
import type { AuditEventBody } from './audit-event.ts'
import { nextAuditFile, type AuditFileName, type AuditTail } from './audit-files.ts'

const LINE_FEED = Buffer.from('\n')

/** Lines that go to one file together. */
export interface AuditSegment {
  readonly file: AuditFileName
  /** The file is to be made with these lines. */
  readonly isNew: boolean
  readonly lines: readonly Uint8Array[]
  /** Where the log ends once they are written. */
  readonly end: AuditTail
}

/** Where and when a batch of events is to be appended. */
export interface AuditSegmentOptions {
  /** `undefined` for a log without files. */
  readonly tail: AuditTail | undefined
  readonly now: Date
  readonly maxFileBytes: number
}

/** Makes lines of events, one after the other, and decides which file each of them belongs to. */
export class AuditSegments {
  readonly #segments: { file: AuditFileName; isNew: boolean; lines: Uint8Array[]; end: AuditTail }[]
  readonly #now: Date
  readonly #maxFileBytes: number
  #file: AuditFileName | undefined
  #bytes: number
  #anchor: AuditAnchor

  constructor({ tail, now, maxFileBytes }: AuditSegmentOptions) {
    this.#segments = []
    this.#now = now
    this.#maxFileBytes = maxFileBytes
    this.#file = tail?.file
    this.#bytes = tail?.bytes ?? 0
    this.#anchor = tail?.anchor ?? CHAIN_START
  }

  /** What is to be written, in this order. */
  get segments(): readonly AuditSegment[] {
    return this.#segments
  }

  /** @param rotate - The event is to be the first of a new file, whatever the size of the last. */
  add(body: AuditEventBody, rotate = false): void {
    const { bytes, anchor } = chainLine(body, this.#anchor)
    const lines = [bytes, LINE_FEED]
    const lineBytes = bytes.length + LINE_FEED.length
    const last = this.#segments.at(-1)
    const current = rotate ? undefined : this.#fileFor(lineBytes)
    const file = current ?? nextAuditFile(this.#now, this.#file)
    this.#bytes = current === undefined ? lineBytes : this.#bytes + lineBytes
    this.#file = file
    this.#anchor = anchor
    const end = { file, bytes: this.#bytes, anchor }
    if (current === undefined || last === undefined) {
      this.#segments.push({ file, isNew: current === undefined, lines, end })
    } else {
      last.lines.push(...lines)
      last.end = end
    }
  }

  /** @returns `undefined` when a new file is due. */
  #fileFor(lineBytes: number): AuditFileName | undefined {
    const file = this.#file
    if (file === undefined || this.#bytes + lineBytes > this.#maxFileBytes) return undefined
    return nextAuditFile(this.#now, file).date === file.date ? file : undefined
  }
}
