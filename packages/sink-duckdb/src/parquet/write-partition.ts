import type { DuckDBConnection } from '@duckdb/node-api'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlPath, sqlText } from '../ndjson/sql-text.ts'
import type { Generation } from './generation.ts'
import type { ParquetFile, ParquetPartition } from './manifest.ts'
import { PatientRanges, usualSortBytes } from './patient-ranges.ts'
import { sortOrderSql } from './sort-order.ts'

const MB = 1000 * 1000
/** What is aimed at where a type is cut into several files. */
const FILE_BYTES = 180 * MB
/** A row group is in memory, some three times for each thread, while it is written. */
const ROW_GROUP_BYTES = 8 * MB
/** Sorting hands on 2,048 rows at once: longer ones would not fit into memory, and stay as they come. */
const LONGEST_SORTED_TEXT = 32 * 1024
/** So large that DuckDB never cuts by itself; asked for, because only then it minds `ROW_GROUP_BYTES`. */
const NEVER_CUT = '1TB'
/** Higher levels took longer and, with texts that are alike, made no smaller files. */
const ZSTD_LEVEL = 1

/** The resources of one type. */
export interface PartitionSource {
  readonly type: string
  readonly run: string
  /** What stands after FROM: a table of all there is to know of the resources. */
  readonly from: string
  /** A query for all columns of the table of the type, over such a table. */
  readonly select: (from: string) => string
  /** A query for the columns of such a table, and `_key`: the first that the resources are sorted by. */
  readonly selectKeyed: (from: string) => string
  /** Bytes of the resources' JSON texts, as far as they are known. */
  readonly textBytes: number
  /** Only for the average length of a text. */
  readonly rows: number
}

/** Cuts a dataset into files. Sizes in bytes. */
export interface CuttingOptions {
  /** What files of large types have. @defaultValue 180 MB */
  readonly fileBytes?: number
  /**
   * JSON text that is sorted at once; more is sorted in ranges of patients.
   *
   * @defaultValue a quarter of DuckDB's `memory_limit`
   */
  readonly sortTextBytes?: number
}

/**
 * Writes one type: sorted by patient and date, zstd, cut where it is large. Rows are in order within
 * each row group, and row groups but for neighbours that two threads wrote. What memory does not allow
 * to be sorted is still in ranges of patients.
 *
 * Memory stays below the connection's `memory_limit`, at any size: what is too much to be sorted at
 * once is first dealt out to a file for each range of patients.
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
  const sortTextBytes = options.sortTextBytes ?? (await usualSortBytes(connection))
  const source = { ...options, sortTextBytes }
  const writer = new PartitionWriter(connection, { generation, folder, source })
  const files = await writer.writeAll(options.fileBytes ?? FILE_BYTES)
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
  readonly #source: PartitionSource & { readonly sortTextBytes: number }
  #parts = 0

  constructor(
    connection: DuckDBConnection,
    into: {
      generation: Generation
      folder: string
      source: PartitionSource & { readonly sortTextBytes: number }
    },
  ) {
    this.#connection = connection
    this.#generation = into.generation
    this.#folder = into.folder
    this.#source = into.source
  }

  async writeAll(fileBytes: number): Promise<readonly ParquetFile[]> {
    const { from, textBytes } = this.#source
    const parts = await this.#writeRanges(from, textBytes)
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

  /** Sorted files, in order, of about so much text. */
  async #writeRanges(from: string, textBytes: number): Promise<readonly Part[]> {
    if (textBytes <= this.#source.sortTextBytes || !this.#isSorted) {
      return [await this.#writeSorted(from)]
    }
    const folder = await this.#newFolder()
    const ranges = new PatientRanges(this.#connection, this.#source)
    const staged = await ranges.deal(from, { folder, textBytes })
    const parts: Part[] = []
    for (const range of staged) {
      // What does not come apart is of one patient.
      const isWhole = staged.length === 1
      if (isWhole) parts.push(await this.#writeSorted(range.from))
      else parts.push(...(await this.#writeRanges(range.from, range.textBytes)))
      await rm(range.folder, { recursive: true })
    }
    return parts
  }

  /** Where memory does not do for sorting, the order within the range of patients is given up. */
  async #writeSorted(from: string): Promise<Part> {
    const query = this.#source.select(from)
    if (!this.#isSorted) return this.#write(query)
    const sorted = `SELECT * FROM (${query}) ORDER BY ${sortOrderSql(this.#source.type)}`
    return this.#write(sorted).catch((error: unknown) => {
      if (!isOutOfMemory(error)) throw error
      return this.#write(query)
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

  /** A name of its own; what an attempt before this one left there is removed. */
  async #newFolder(): Promise<string> {
    const folder = join(this.#generation.folder, `part-${this.#parts}`)
    this.#parts += 1
    await rm(folder, { recursive: true, force: true })
    return folder
  }

  async #write(query: string): Promise<Part> {
    const folder = await this.#newFolder()
    const result = await this.#connection.run(`COPY (${query}) TO ${sqlText(folder)}
      (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${ZSTD_LEVEL},
       ROW_GROUP_SIZE_BYTES ${ROW_GROUP_BYTES}, FILE_SIZE_BYTES '${NEVER_CUT}')`)
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
