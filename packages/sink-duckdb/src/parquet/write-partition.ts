import type { DuckDBConnection } from '@duckdb/node-api'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlPath, sqlText } from '../ndjson/sql-text.ts'
import type { Generation } from './generation.ts'
import type { ParquetFile, ParquetPartition } from './manifest.ts'
import { sortKeySql, sortOrderSql } from './sort-order.ts'

const MB = 1000 * 1000
/** What is aimed at where a type is cut into several files. */
const FILE_BYTES = 180 * MB
/** Sorted at once: DuckDB's sort does not spill long texts reliably, so it gets what fits. */
const SORT_TEXT_BYTES = 100 * MB
/** A row group is in memory, some three times for each thread, while it is written. */
const ROW_GROUP_BYTES = 8 * MB
/** Sorting hands on 2,048 rows at once: longer ones would not fit into memory, and stay as they come. */
const LONGEST_SORTED_TEXT = 32 * 1024
/** So large that DuckDB never cuts by itself; asked for, because only then it minds `ROW_GROUP_BYTES`. */
const NEVER_CUT = '1TB'

/** The resources of one type. */
export interface PartitionSource {
  readonly type: string
  readonly run: string
  /** A query for all columns of the table of the type. */
  readonly query: string
  /** Bytes of the resources' JSON texts, as far as they are known. */
  readonly textBytes: number
  /** Only for the average length of a text. */
  readonly rows: number
}

/** Cuts a dataset into files. Sizes in bytes. */
export interface CuttingOptions {
  /** What files of large types have. @defaultValue 180 MB */
  readonly fileBytes?: number
  /** JSON text that is sorted at once; more is sorted in ranges of patients. @defaultValue 100 MB */
  readonly sortTextBytes?: number
}

/**
 * Writes one type: sorted by patient and date, zstd, cut where it is large. Rows are in order within
 * each row group, and row groups but for neighbours that two threads wrote. What memory does not allow
 * to be sorted is still in ranges of patients.
 *
 * Memory stays below the connection's `memory_limit`, at any size: what is too much to be sorted at
 * once is staged in a temporary table, and read once for each range of patients.
 *
 * @param connection - With `preserve_insertion_order` off.
 * @returns `undefined` when there are no rows.
 */
export async function writePartition(
  connection: DuckDBConnection,
  generation: Generation,
  options: PartitionSource & CuttingOptions,
): Promise<ParquetPartition | undefined> {
  const folder = await generation.makePartition(options.type)
  const writer = new PartitionWriter(connection, { generation, folder, source: options })
  const files = await writer.writeAll(options)
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  if (rows === 0) {
    await rm(folder, { recursive: true })
    return undefined
  }
  const { type, run } = options
  return { type, rows, run, columns: await writer.columns(files), files }
}

/** A file that is written, and not yet the dataset's. */
interface Part {
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

class PartitionWriter {
  readonly #connection: DuckDBConnection
  readonly #generation: Generation
  readonly #folder: string
  readonly #source: PartitionSource
  #parts = 0

  constructor(
    connection: DuckDBConnection,
    into: { generation: Generation; folder: string; source: PartitionSource },
  ) {
    this.#connection = connection
    this.#generation = into.generation
    this.#folder = into.folder
    this.#source = into.source
  }

  async writeAll({
    sortTextBytes = SORT_TEXT_BYTES,
    fileBytes = FILE_BYTES,
  }: CuttingOptions): Promise<readonly ParquetFile[]> {
    const { query, textBytes } = this.#source
    if (textBytes <= sortTextBytes || !this.#isSorted) {
      return this.#takeOver([await this.#writeSorted(query)])
    }
    const table = `temp.staged_${this.#generation.name}`
    await this.#connection.run(`CREATE OR REPLACE TEMP TABLE ${table.slice(5)} AS ${query}`)
    const parts: Part[] = []
    for (const range of await this.#ranges(table, sortTextBytes)) {
      parts.push(await this.#writeSorted(`SELECT * FROM ${table} WHERE ${range}`))
    }
    await this.#connection.run(`DROP TABLE ${table}`)
    const joined: Part[] = []
    for (const group of groupsOf(parts, fileBytes)) joined.push(await this.#join(group))
    return this.#takeOver(joined)
  }

  async columns(files: readonly ParquetFile[]): Promise<ParquetPartition['columns']> {
    const path = sqlPath(join(this.#generation.folder, files[0]?.path ?? ''))
    const described = await this.#connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${path}, hive_partitioning = false)`,
    )
    return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }))
  }

  get #isSorted(): boolean {
    return this.#source.textBytes / Math.max(1, this.#source.rows) <= LONGEST_SORTED_TEXT
  }

  /** Where memory does not do for sorting, the order within the range of patients is given up. */
  async #writeSorted(query: string): Promise<Part> {
    if (!this.#isSorted) return this.#write(query)
    const sorted = `SELECT * FROM (${query}) ORDER BY ${sortOrderSql(this.#source.type)}`
    return this.#write(sorted).catch((error: unknown) => {
      if (!isOutOfMemory(error)) throw error
      return this.#write(query)
    })
  }

  /** Conditions that cut the resources into ranges of patients with about so much text each. */
  async #ranges(table: string, textBytes: number): Promise<readonly string[]> {
    const key = sortKeySql(this.#source.type)
    const found = await this.#connection.runAndReadAll(
      `SELECT min(key) AS start FROM (
         SELECT key, (sum(bytes) OVER (ORDER BY key) - bytes) // ${textBytes} AS number FROM (
           SELECT ${key} AS key, sum(strlen(raw)) AS bytes FROM ${table} GROUP BY key))
       GROUP BY number ORDER BY start`,
    )
    const starts = found.getRows().map(([start]) => sqlText(String(start)))
    return starts.map((start, index) => {
      const end = starts[index + 1]
      const isBelow = end === undefined ? '' : ` AND ${key} < ${end}`
      return index === 0 ? `true${isBelow}` : `${key} >= ${start}${isBelow}`
    })
  }

  /** Files of neighbouring ranges become one. */
  async #join(parts: readonly Part[]): Promise<Part> {
    const [first] = parts
    if (first !== undefined && parts.length === 1) return first
    const paths = parts.map(({ path }) => sqlPath(path)).join(', ')
    const joined = await this.#write(
      `SELECT * FROM read_parquet([${paths}], hive_partitioning = false)`,
    )
    for (const { path } of parts) await rm(path)
    return joined
  }

  async #write(query: string): Promise<Part> {
    const folder = join(this.#generation.folder, `part-${this.#parts}`)
    this.#parts += 1
    const result = await this.#connection.run(`COPY (${query}) TO ${sqlText(folder)}
      (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES},
       FILE_SIZE_BYTES '${NEVER_CUT}')`)
    const [name, ...more] = await readdir(folder).catch((): string[] => [])
    if (more.length > 0) throw new RangeError('One file was asked for')
    const path = join(folder, name ?? '')
    const bytes = name === undefined ? 0 : (await stat(path)).size
    return { path, rows: result.rowsChanged, bytes }
  }

  /** The generation in the name: a listing of one state never leads to a file of another. */
  async #takeOver(parts: readonly Part[]): Promise<readonly ParquetFile[]> {
    const files: ParquetFile[] = []
    for (const { path, rows } of parts.filter((part) => part.rows > 0)) {
      const number = String(files.length).padStart(5, '0')
      const target = join(this.#folder, `part-${this.#generation.name}-${number}.parquet`)
      await rename(path, target)
      files.push(await this.#generation.seal(target, rows))
    }
    for (let number = 0; number < this.#parts; number += 1) {
      const folder = join(this.#generation.folder, `part-${number}`)
      await rm(folder, { recursive: true, force: true })
    }
    return files
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory')
}

/** Neighbours that make a file of about so many bytes; a small rest goes with the last. */
function groupsOf(parts: readonly Part[], fileBytes: number): readonly (readonly Part[])[] {
  const groups: Part[][] = []
  let room = 0
  let left = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const part of parts) {
    const group = groups.at(-1)
    if (group === undefined || (room < part.bytes && left > fileBytes / 2)) {
      groups.push([part])
      room = fileBytes - part.bytes
    } else {
      group.push(part)
      room -= part.bytes
    }
    left -= part.bytes
  }
  return groups
}
