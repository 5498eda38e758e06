import type { DuckDBConnection } from '@duckdb/node-api'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { numberOf } from '../database/sql.ts'
import { sqlPath, sqlText } from '../ndjson/sql-text.ts'
import type { PartitionSource } from './write-partition.ts'

/** Rows of which the ranges are guessed. */
const SAMPLE_ROWS = 4096
/** More would have too many files open; what is too large then is cut again. */
const MOST_RANGES = 32
/** Of what can be sorted at once: guessed ranges are not all alike. */
const ROOM = 0.6
/** Text that a thread gathers before it writes to the files of the ranges. */
const GATHERED_BYTES = 16 * 1000 * 1000
const LEAST_GATHERED_ROWS = 2048
const SORT_SHARE = 1 / 4
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** The resources of one range of patients, in a file of their own. */
export interface StagedRange {
  readonly folder: string
  /** What stands after FROM. */
  readonly from: string
  /** About so much text. */
  readonly textBytes: number
}

/** Deals the resources of a type out to ranges of patients that can be sorted one by one. */
export class PatientRanges {
  readonly #connection: DuckDBConnection
  readonly #source: PartitionSource & { readonly sortTextBytes: number }

  constructor(
    connection: DuckDBConnection,
    source: PartitionSource & { readonly sortTextBytes: number },
  ) {
    this.#connection = connection
    this.#source = source
  }

  /**
   * Reads everything once, and writes it to Parquet files below `folder`.
   *
   * @param from - What stands after FROM.
   * @returns the ranges in order, without empty ones.
   */
  async deal(
    from: string,
    { folder, textBytes }: { readonly folder: string; readonly textBytes: number },
  ): Promise<readonly StagedRange[]> {
    const { sortTextBytes, selectKeyed } = this.#source
    const count = Math.min(MOST_RANGES, Math.ceil(textBytes / (sortTextBytes * ROOM)))
    const starts = await this.#starts(from, count)
    const range = starts.map((start, index) => `WHEN _key < ${sqlText(start)} THEN ${index}`)
    const number = starts.length === 0 ? '0' : `CASE ${range.join(' ')} ELSE ${starts.length} END`
    await this.#connection.run(`SET partitioned_write_flush_threshold = ${this.#gatheredRows}`)
    await this.#connection.run(
      `COPY (SELECT * EXCLUDE (_key), ${number} AS _range FROM (${selectKeyed(from)}))
       TO ${sqlText(folder)} (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (_range))`,
    )
    const names = await readdir(folder)
    const numbers = names.map((name) => Number(name.replace('_range=', ''))).sort((a, b) => a - b)
    const ranges: (Pick<StagedRange, 'folder' | 'from'> & { rows: number })[] = []
    for (const each of numbers) ranges.push(await this.#staged(join(folder, `_range=${each}`)))
    const all = ranges.reduce((sum, { rows }) => sum + rows, 0)
    return ranges.map(({ rows, ...range }) => ({ ...range, textBytes: (textBytes * rows) / all }))
  }

  get #gatheredRows(): number {
    const { textBytes, rows } = this.#source
    const usual = textBytes / Math.max(1, rows)
    return Math.max(LEAST_GATHERED_ROWS, Math.ceil(GATHERED_BYTES / Math.max(1, usual)))
  }

  /** Keys at which the ranges but the first start. Where the sample errs, ranges are not alike. */
  async #starts(from: string, count: number): Promise<readonly string[]> {
    const shares = Array.from({ length: count - 1 }, (_, index) => (index + 1) / count)
    if (shares.length === 0) return []
    const sample = `(SELECT * FROM ${from} USING SAMPLE ${SAMPLE_ROWS} ROWS)`
    const found = await this.#connection.runAndReadAll(
      `SELECT DISTINCT unnest(quantile_disc(_key, [${shares.join(', ')}])) AS start
       FROM (${this.#source.selectKeyed(sample)}) ORDER BY start`,
    )
    return found.getRows().map(([start]) => String(start))
  }

  async #staged(folder: string): Promise<{ folder: string; from: string; rows: number }> {
    const names = await readdir(folder)
    const paths = names.map((name) => sqlPath(join(folder, name))).join(', ')
    const from = `read_parquet([${paths}], hive_partitioning = false)`
    const counted = await this.#connection.runAndReadAll(`SELECT count(*) FROM ${from}`)
    return { folder, from, rows: numberOf(counted.getRows()[0]?.[0]) }
  }
}

/** Bytes of text that can be sorted at once in the memory that DuckDB may use. */
export async function usualSortBytes(connection: DuckDBConnection): Promise<number> {
  const found = await connection.runAndReadAll(`SELECT current_setting('memory_limit')`)
  const [amount = '', unit = ''] = String(found.getRows()[0]?.[0]).split(' ')
  return Math.floor(Number(amount) * (UNITS[unit] ?? 2 ** 40) * SORT_SHARE)
}
