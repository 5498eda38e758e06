import type { DuckDBConnection } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteName } from '../columns/quote-name.ts'
import { sqlPath, sqlText } from '../ndjson/sql-text.ts'
import type { Generation } from './generation.ts'
import type { ParquetFile, ParquetPartition } from './manifest.ts'
import { sortOrderSql } from './sort-order.ts'

const MB = 1000 * 1000
/** What is aimed at where a type is cut into several files. */
const FILE_BYTES = 180 * MB
/** Text of this size in one file is surely too large to be not cut: it takes a tenth to a twentieth. */
const UNCUT_TEXT_BYTES = 1500 * MB
/** A row group is in memory, some three times for each thread, while it is written. */
const ROW_GROUP_TEXT_BYTES = 24 * MB
const MOST_ROWS_OF_GROUP = 122_880
const ROWS_OF_VECTOR = 2048
/** Sorting hands rows on in vectors: longer ones would not fit into memory, and stay as they come. */
const LONGEST_SORTED_TEXT = 32 * 1024

/** The resources of one type. */
export interface PartitionSource {
  readonly type: string
  readonly run: string
  /** A query for all columns of the table of the type. */
  readonly query: string
  /** Bytes of the resources' JSON texts. */
  readonly textBytes: number
  /** For the average length of a text; need not be exact. */
  readonly rows: number
}

/** Cuts a dataset into files. Sizes in bytes. */
export interface CuttingOptions {
  /** @defaultValue 180 MB */
  readonly fileBytes?: number
  /** Types with less JSON text are one file. @defaultValue 1.5 GB */
  readonly uncutTextBytes?: number
}

/**
 * Writes one type: sorted by patient and date, zstd, cut where it is large.
 *
 * Sorting spills to the connection's `temp_directory`; memory stays below its `memory_limit`.
 *
 * @returns `undefined` when there are no rows.
 */
export async function writePartition(
  connection: DuckDBConnection,
  generation: Generation,
  options: PartitionSource & CuttingOptions,
): Promise<ParquetPartition | undefined> {
  const folder = await generation.makePartition(options.type)
  const writer = new PartitionWriter(connection, { generation, folder, source: options })
  const { uncutTextBytes = UNCUT_TEXT_BYTES, fileBytes = FILE_BYTES } = options
  const files =
    options.textBytes <= uncutTextBytes
      ? [await writer.write(writer.sorted(options.query))]
      : await writer.writeCut(fileBytes)
  const written = files.filter(({ rows }) => rows > 0)
  const rows = written.reduce((sum, file) => sum + file.rows, 0)
  if (rows === 0) {
    await rm(folder, { recursive: true })
    return undefined
  }
  const { type, run } = options
  return { type, rows, run, columns: await writer.columns(), files: written }
}

class PartitionWriter {
  readonly #connection: DuckDBConnection
  readonly #generation: Generation
  readonly #folder: string
  readonly #source: PartitionSource
  #files = 0

  constructor(
    connection: DuckDBConnection,
    parts: { generation: Generation; folder: string; source: PartitionSource },
  ) {
    this.#connection = connection
    this.#generation = parts.generation
    this.#folder = parts.folder
    this.#source = parts.source
  }

  sorted(query: string): string {
    if (this.#averageText > LONGEST_SORTED_TEXT) return query
    return `SELECT * FROM (${query}) ORDER BY ${sortOrderSql(this.#source.type)}`
  }

  /** Writes the next file. */
  async write(query: string): Promise<ParquetFile> {
    const path = this.#path(this.#files)
    this.#files += 1
    const result = await this.#connection.run(`COPY (${query}) TO ${sqlText(path)}
      (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${this.#rowsOfGroup})`)
    return this.#generation.seal(path, result.rowsChanged)
  }

  /** Sorts once, then writes ranges of it; each file says how many rows the next one takes. */
  async writeCut(fileBytes: number): Promise<readonly ParquetFile[]> {
    const table = quoteName(`sorted_${this.#generation.name}_${this.#source.type}`)
    await this.#connection.run(`CREATE TEMP TABLE ${table} AS ${this.sorted(this.#source.query)}`)
    try {
      const counted = await this.#connection.runAndReadAll(`SELECT count(*) FROM ${table}`)
      const rows = Number(counted.getRows()[0]?.[0])
      return await this.#writeRanges(table, { rows, fileBytes })
    } finally {
      await this.#connection.run(`DROP TABLE ${table}`)
    }
  }

  async columns(): Promise<ParquetPartition['columns']> {
    const described = await this.#connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${sqlPath(this.#path(0))}, hive_partitioning = false)`,
    )
    return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }))
  }

  async #writeRanges(
    table: string,
    { rows, fileBytes }: { rows: number; fileBytes: number },
  ): Promise<readonly ParquetFile[]> {
    const files: ParquetFile[] = []
    let rowBytes = this.#averageText / 10
    for (let start = 0; start < rows;) {
      const wanted = Math.max(ROWS_OF_VECTOR, Math.round(fileBytes / rowBytes))
      // What would be left for a small last file is shared with the one before.
      const left = rows - start
      const count = left < wanted * 1.3 ? left : left < wanted * 2 ? Math.ceil(left / 2) : wanted
      const range = `rowid >= ${start} AND rowid < ${start + count}`
      const file = await this.write(this.sorted(`SELECT * FROM ${table} WHERE ${range}`))
      files.push(file)
      rowBytes = Math.max(1, file.bytes / Math.max(1, file.rows))
      start += count
    }
    return files
  }

  /** The generation in the name: a listing of one state never leads to a file of another. */
  #path(number: number): string {
    const name = `part-${this.#generation.name}-${String(number).padStart(5, '0')}.parquet`
    return join(this.#folder, name)
  }

  get #averageText(): number {
    return Math.max(1, this.#source.textBytes / Math.max(1, this.#source.rows))
  }

  get #rowsOfGroup(): number {
    const vectors = Math.floor(ROW_GROUP_TEXT_BYTES / this.#averageText / ROWS_OF_VECTOR)
    return Math.min(MOST_ROWS_OF_GROUP, Math.max(1, vectors) * ROWS_OF_VECTOR)
  }
}
