import type { Database } from '../database.ts'
import type { OutcomeIssue, ResourceType } from '@flatfhir/protocol'
import type { ResourceBlock } from '@flatfhir/server'
import { VersionTable } from '../resource-store/version-table.ts'
import { prepareBlockQuery, type BlockRow } from './block-query.ts'

/** Rows to read: SQL that yields `ord, key, bytes, body` after `:after`, at most `:rows` of them. */
export interface RowSource {
  readonly sql: string
  readonly parameters: Readonly<Record<string, number>>
  /** Reading starts after this `ord`. */
  readonly after: number
  readonly type: ResourceType
}

const TARGET_BLOCK_BYTES = 1024 * 1024
/** With `MAX_BLOCK_ROW_BYTES` each, a block is 32 MiB at most, whatever it was expected to be. */
const MAX_BLOCK_ROWS = 2048
const MIN_BLOCK_ROWS = 16
const FIRST_BLOCK_ROWS = 128
const LINE_FEED = 0x0a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Reads rows in blocks that SQLite puts together, so that the cost is that of moving memory, not of
 * rows. No read stays open between blocks: it is the snapshot that keeps them consistent, so the
 * write-ahead log can be copied back meanwhile.
 */
export function* readBlocks(database: Database, source: RowSource): Iterable<ResourceBlock> {
  const query = prepareBlockQuery(database, source.sql)
  const single = new RowReader(database, source)
  let after = source.after
  let rows = FIRST_BLOCK_ROWS
  for (;;) {
    const block = readBlock(query, { ...source.parameters, after, rows })
    if (block === undefined) {
      yield* single.readAll({ after, rows })
    } else {
      if (block.last === null) return
      if (isSound(block)) {
        if (block.block !== null) yield { bytes: block.block, resourceCount: block.resourceCount }
        yield* single.readKeys(block.largeKeys)
      } else {
        yield* single.readAll({ after, rows })
      }
    }
    const next = block?.last ?? single.lastOrd(after, rows)
    if (next === undefined) return
    after = next
    rows = rowsFor(block)
  }
}

/** `undefined` when the database could not read one of the rows. */
function readBlock(
  query: ReturnType<typeof prepareBlockQuery>,
  parameters: Readonly<Record<string, number>>,
): BlockRow | undefined {
  try {
    return query.get(parameters) as BlockRow
  } catch {
    return undefined
  }
}

function rowsFor(block: BlockRow | undefined): number {
  if (block === undefined || block.resourceCount === 0) return MIN_BLOCK_ROWS
  const rows = Math.round(TARGET_BLOCK_BYTES / (block.bytes / block.resourceCount))
  return Math.min(MAX_BLOCK_ROWS, Math.max(MIN_BLOCK_ROWS, rows))
}

/** All bodies together are as long as they were when they were written, and each looks like a line. */
function isSound({ block, bytes, resourceCount }: BlockRow): boolean {
  if (block === null) return resourceCount === 0
  return (
    block.length === bytes + resourceCount &&
    !block.includes(0) &&
    countObjectLines(block) === resourceCount
  )
}

/** Number of lines; -1 where one does not begin and end with a brace. */
function countObjectLines(bytes: Uint8Array): number {
  let count = 0
  let start = 0
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    if (bytes[start] !== OPEN_BRACE || bytes[end - 1] !== CLOSE_BRACE) return -1
    count += 1
    start = end + 1
  }
  return count
}

interface Row {
  readonly ord: number
  readonly key: number
  readonly bytes: number
}

/** Reads rows one by one: large ones, and those of a block that holds a damaged one. */
class RowReader {
  readonly #source: RowSource
  readonly #body
  readonly #rows
  readonly #database: Database
  #versions: VersionTable | undefined

  constructor(database: Database, source: RowSource) {
    this.#source = source
    this.#database = database
    this.#body = database.prepare(
      'SELECT bytes, CAST(body AS BLOB) AS body FROM version WHERE key = ?',
    )
    this.#rows = database.prepare(`SELECT ord, key, bytes FROM (${source.sql})`)
  }

  readKeys(keys: string | null): Iterable<ResourceBlock> {
    return this.#readInBlocks(keys === null ? [] : keys.split(',').map(Number))
  }

  readAll(range: { after: number; rows: number }): Iterable<ResourceBlock> {
    return this.#readInBlocks(this.#list(range).map(({ key }) => key))
  }

  lastOrd(after: number, rows: number): number | undefined {
    return this.#list({ after, rows }).at(-1)?.ord
  }

  #list(range: { after: number; rows: number }): readonly Row[] {
    return this.#rows.all({ ...this.#source.parameters, ...range }) as Row[]
  }

  /** Several rows a block: what is compressed and written in small pieces costs more. */
  *#readInBlocks(keys: readonly number[]): Iterable<ResourceBlock> {
    let gathered = new GatheredRows()
    for (const key of keys) {
      const body = this.#readBody(key)
      if (body === undefined) gathered.addIssue(this.#damaged(key))
      else gathered.addLine(body)
      if (gathered.bytes < TARGET_BLOCK_BYTES) continue
      yield gathered.block()
      gathered = new GatheredRows()
    }
    if (!gathered.isEmpty()) yield gathered.block()
  }

  /** `undefined` when the row cannot be read, or is not what was written. */
  #readBody(key: number): Uint8Array | undefined {
    try {
      const row = this.#body.get(key) as { bytes: number; body: Uint8Array | null } | undefined
      const isSplit = (row?.body?.length ?? 0) < (row?.bytes ?? 0)
      const body = isSplit ? this.#splitBody(key) : row?.body
      if (row === undefined || body?.length !== row.bytes) return undefined
      const isObject = body[0] === OPEN_BRACE && body.at(-1) === CLOSE_BRACE
      return isObject && !body.includes(LINE_FEED) && !body.includes(0) ? body : undefined
    } catch {
      return undefined
    }
  }

  #splitBody(key: number): Uint8Array {
    this.#versions ??= new VersionTable(this.#database)
    return this.#versions.body(key)
  }

  #damaged(key: number): OutcomeIssue {
    return {
      severity: 'error',
      code: 'exception',
      diagnostics: `A resource of type ${this.#source.type} (version key ${key}) is damaged in the store and is not in this export`,
    }
  }
}

const LINE_END = Uint8Array.of(LINE_FEED)

/** A block that is put together row by row. */
class GatheredRows {
  readonly #pieces: Uint8Array[] = []
  readonly #issues: OutcomeIssue[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#issues.length === 0
  }

  addLine(body: Uint8Array): void {
    this.#pieces.push(body, LINE_END)
    this.#bytes += body.length + 1
  }

  addIssue(issue: OutcomeIssue): void {
    this.#issues.push(issue)
  }

  block(): ResourceBlock {
    const bytes = Buffer.concat(this.#pieces, this.#bytes)
    const resourceCount = this.#pieces.length / 2
    return this.#issues.length === 0
      ? { bytes, resourceCount }
      : { bytes, resourceCount, issues: this.#issues }
  }
}
