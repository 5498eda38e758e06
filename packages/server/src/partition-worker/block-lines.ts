import type { OutcomeIssue } from '@flatfhir/protocol'
import type { ResourceBlock } from '../resource-store.ts'

const LINE_FEED = 0x0a
const LINE_END = Uint8Array.of(LINE_FEED)

/** What becomes of one line: itself to keep it, other bytes to replace it, `undefined` to leave it out. */
export type LineChange = (line: Buffer, issues: OutcomeIssue[]) => Uint8Array | undefined

/**
 * Changes a block line by line. A line for which `change` throws is left out and reported.
 *
 * @param change - Is given lines without their line feed, and may add issues.
 */
export function changeLines(block: ResourceBlock, change: LineChange): ResourceBlock {
  const bytes = Buffer.from(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length)
  const kept = new KeptLines(bytes)
  const issues: OutcomeIssue[] = [...(block.issues ?? [])]
  let start = 0
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    const line = bytes.subarray(start, end)
    try {
      const changed = change(line, issues)
      if (changed === line) kept.keep(start, end + 1)
      else if (changed !== undefined) kept.replace(changed)
    } catch {
      issues.push(UNREADABLE)
    }
    start = end + 1
  }
  return {
    ...block,
    bytes: kept.bytes(),
    resourceCount: kept.count,
    ...(issues.length > 0 && { issues }),
  }
}

/** The error is not quoted: it may hold the resource's text. */
const UNREADABLE: OutcomeIssue = {
  severity: 'error',
  code: 'exception',
  diagnostics: 'A resource cannot be parsed and is not in this export',
}

/** Gathers lines; those that follow each other unchanged are taken in one piece. */
class KeptLines {
  readonly #source: Buffer
  readonly #pieces: Uint8Array[] = []
  #from = 0
  #to = 0
  #length = 0
  count = 0

  constructor(source: Buffer) {
    this.#source = source
  }

  keep(from: number, to: number): void {
    if (from !== this.#to) this.#flush()
    if (this.#from === this.#to) this.#from = from
    this.#to = to
    this.count += 1
  }

  replace(line: Uint8Array): void {
    this.#flush()
    this.#add(line)
    this.#add(LINE_END)
    this.count += 1
  }

  bytes(): Uint8Array {
    this.#flush()
    const [only, ...others] = this.#pieces
    if (only !== undefined && others.length === 0) return only
    return Buffer.concat(this.#pieces, this.#length)
  }

  #flush(): void {
    if (this.#to > this.#from) this.#add(this.#source.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#length += piece.length
  }
}
