import {
  elementSelection,
  subsetElements,
  subsetLines,
  type ElementSelection,
  type OutcomeIssue,
} from '@flatfhir/protocol'
import type { JsonObject } from '@flatfhir/search'
import { compileRestrictions, type CompiledRestrictions } from '../access/search-restrictions.ts'
import type { PartitionReader, ResourceBlock } from '../resource-store.ts'
import type { PartitionTask } from './messages.ts'
import { resourceFinder } from './resource-finder.ts'

const LINE_FEED = 0x0a

/** Makes of a block that was read the block that is written. */
export type BlockTransform = (block: ResourceBlock) => ResourceBlock

/**
 * What an export does to its resources on the way to the files: those that do not meet its searches
 * are left out, and of the others what `_elements` does not name.
 *
 * @returns `undefined` where blocks are written as they were read, which costs nothing.
 */
export function blockTransform(
  { query, snapshot, partition }: Pick<PartitionTask, 'query' | 'snapshot' | 'partition'>,
  reader: Pick<PartitionReader, 'find'>,
): BlockTransform | undefined {
  if (partition.kind !== 'output') return undefined
  const { restrictions = [], elements, organizedBy } = query
  const isMixed = organizedBy !== undefined
  const relevant = restrictions.filter(({ type }) => isMixed || type === partition.type)
  if (relevant.length === 0 && elements === undefined) return undefined
  const compiled = compileRestrictions(relevant, {
    resolve: resourceFinder(reader, snapshot),
    now: snapshot.transactionTime,
  })
  const selection = elements === undefined ? undefined : elementSelection(elements)
  return (block) => {
    const admitted = relevant.length === 0 ? block : withAdmitted(block, compiled)
    return selection === undefined ? admitted : withElements(admitted, selection)
  }
}

function withAdmitted(block: ResourceBlock, compiled: CompiledRestrictions): ResourceBlock {
  return eachLine(block, (line) => {
    return compiled.admits(JSON.parse(line.toString('utf8')) as JsonObject) ? line : undefined
  })
}

function withElements(block: ResourceBlock, selection: ElementSelection): ResourceBlock {
  try {
    return { ...block, bytes: subsetLines(block.bytes, selection) }
  } catch {
    // One resource cannot be read; the others can.
    return eachLine(block, (line) => subsetElements(line, selection))
  }
}

/** @param change - Gives the line itself to keep it, `undefined` to leave it out. */
function eachLine(
  block: ResourceBlock,
  change: (line: Buffer) => Uint8Array | undefined,
): ResourceBlock {
  const bytes = Buffer.from(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length)
  const kept = new KeptLines(bytes)
  const issues: OutcomeIssue[] = [...(block.issues ?? [])]
  let start = 0
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    const line = bytes.subarray(start, end)
    try {
      const changed = change(line)
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

const LINE_END = Uint8Array.of(LINE_FEED)

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
    this.#add(line)
    this.#add(LINE_END)
    this.count += 1
  }

  bytes(): Uint8Array {
    this.#flush()
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
