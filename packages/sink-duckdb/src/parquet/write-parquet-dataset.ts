import type { DuckDBConnection } from '@duckdb/node-api'
import type { LandingFile } from '@flatfhir/client'
import { join } from 'node:path'
import { columnsOf } from '../columns/columns-of.ts'
import { quoteName } from '../columns/quote-name.ts'
import { typedSelectSql } from '../columns/typed-select.ts'
import { openDuckDb } from '../database/open-duckdb.ts'
import { ResourceTypeRefusedError, warehouseError } from '../errors.ts'
import { withNdjsonLines } from '../ndjson/ndjson-lines.ts'
import { sqlPath, sqlText } from '../ndjson/sql-text.ts'
import { sortKeySql } from './sort-order.ts'
import { checkParquetDirectory, Generation, writerPath } from './generation.ts'
import type { ParquetManifest, ParquetPartition } from './manifest.ts'
import { writePartition, type CuttingOptions, type PartitionSource } from './write-partition.ts'

/** Files whose lines are of any type. */
const ANY_TYPE = '*'
const MEMORY_LIMIT_BYTES = 450_000_000
const TYPE_NAME = /^[A-Z][A-Za-z]{0,63}$/
/** Typical length of a resource's text, where nobody counted the lines. */
const USUAL_TEXT_BYTES = 1500
/** NDJSON in gzip is some fifteen times as long, once unpacked. */
const GZIP_RATIO = 15

/** How a dataset is written from NDJSON. */
export interface WriteParquetOptions extends CuttingOptions {
  /** Directory of the dataset; made when it is missing. */
  readonly directory: string
  /** FHIR base URL of the source, without a slash at the end. */
  readonly source: string
  /** Id of the run or export that the files are of. */
  readonly run: string
  /** Cohort that the files are of, as `SyncState` writes it. */
  readonly cohort?: string
  /**
   * What DuckDB may keep in memory; writing Parquet takes some 400 MB beside it.
   *
   * @defaultValue 450 MB
   */
  readonly memoryLimitBytes?: number
  /** @defaultValue as many as the machine has cores */
  readonly threads?: number
  /** Where sorting spills to. @defaultValue the dataset's directory */
  readonly temporaryDirectory?: string
  /** @defaultValue `() => new Date()` */
  readonly now?: () => Date
}

/**
 * Writes NDJSON files as a Parquet dataset: one partition a type, with the columns that the tables of
 * a warehouse have, the JSON text included. Of several lines of the same id the newest stays.
 *
 * The dataset changes at once, by one rename, when everything is written and flushed; until then, and
 * after a failure or `kill -9`, readers see what was there before. Memory stays below
 * `memoryLimitBytes` and some 400 MB, at any size.
 *
 * @throws {@link ParquetDirectoryRefusedError} when the directory holds something else, or the data of
 *   another source.
 * @throws {@link LandingLineInvalidError} and its like when a file cannot be read.
 * @throws {@link WarehouseBusyError} when somebody else writes to the dataset.
 */
export async function writeParquetDataset(
  files: readonly LandingFile[],
  options: WriteParquetOptions,
): Promise<ParquetManifest> {
  const { directory, source, run, now = (): Date => new Date() } = options
  await checkParquetDirectory(directory, source)
  await using db = await openDuckDb({
    memoryLimitBytes: MEMORY_LIMIT_BYTES,
    ...options,
    path: writerPath(directory),
  })
  const connection = await db.connect()
  await connection.run('SET preserve_insertion_order = false')
  const generation = await Generation.begin(directory, source)
  try {
    const writer = new DatasetWriter(connection, generation, { ...options, now })
    const partitions = await writer.writeAll(files)
    return await generation.publish({ run, source, partitions, now: now() })
  } catch (error) {
    await generation.discard()
    throw warehouseError(error, 'write the Parquet dataset')
  } finally {
    connection.closeSync()
  }
}

type WriterOptions = WriteParquetOptions & { readonly now: () => Date }

class DatasetWriter {
  readonly #connection: DuckDBConnection
  readonly #generation: Generation
  readonly #options: WriterOptions

  constructor(connection: DuckDBConnection, generation: Generation, options: WriterOptions) {
    this.#connection = connection
    this.#generation = generation
    this.#options = options
  }

  async writeAll(files: readonly LandingFile[]): Promise<readonly ParquetPartition[]> {
    const partitions: ParquetPartition[] = []
    const anyType = files.filter(({ type }) => type === ANY_TYPE)
    const types = new Set(files.map(({ type }) => type).filter((type) => type !== ANY_TYPE))
    for (const type of await this.#typesIn(anyType)) types.add(type)
    for (const type of [...types].sort()) {
      const own = files.filter((file) => file.type === type)
      const partition = await this.#writeType(type, { own, anyType })
      if (partition !== undefined) partitions.push(partition)
    }
    return partitions
  }

  async #typesIn(files: readonly LandingFile[]): Promise<readonly string[]> {
    if (files.length === 0) return []
    const rows = await withNdjsonLines(files, (lines) =>
      this.#connection.runAndReadAll(`SELECT DISTINCT ${typeOf('raw')} FROM ${lines}`),
    )
    return rows.getRows().map(([type]) => String(type))
  }

  async #writeType(
    type: string,
    files: { own: readonly LandingFile[]; anyType: readonly LandingFile[] },
  ): Promise<ParquetPartition | undefined> {
    if (!TYPE_NAME.test(type)) throw new ResourceTypeRefusedError()
    return withNdjsonLines([...files.own, ...files.anyType], async (lines, areParsable) => {
      const isMixed = files.anyType.length > 0
      const from = isMixed
        ? `(SELECT raw FROM ${lines} WHERE ${typeOf('raw')} = ${sqlText(type)})`
        : lines
      const extent = extentOf(isMixed ? [...files.own, ...files.anyType] : files.own)
      const source = { ...this.#sourceOf(type, areParsable), ...extent }
      const written = await this.#write({ ...source, from })
      if (written === undefined || !(await this.#hasDuplicates(written))) return written
      return this.#writeWithoutRepeated({ ...source, from })
    })
  }

  #write(source: PartitionSource): Promise<ParquetPartition | undefined> {
    const { fileBytes, sortTextBytes } = this.#options
    return writePartition(this.#connection, this.#generation, {
      ...source,
      ...(fileBytes !== undefined && { fileBytes }),
      ...(sortTextBytes !== undefined && { sortTextBytes }),
    })
  }

  async #writeWithoutRepeated(source: PartitionSource): Promise<ParquetPartition | undefined> {
    await this.#connection.run(repeatedLinesSql(source))
    return this.#write({ ...source, from: withoutRepeatedSql(source.from) })
  }

  #sourceOf(
    type: string,
    areParsable: boolean,
  ): Pick<PartitionSource, 'type' | 'run' | 'select' | 'selectKeyed'> {
    const typed = (from: string, columns?: readonly string[]): string =>
      typedSelectSql(type, { from, areParsable, keep: ['raw'], ...(columns && { columns }) })
    const key = sortKeySql(type)
    return {
      type,
      run: this.#options.run,
      select: (from) => this.#query(type, typed(from)),
      selectKeyed: (from) => `SELECT raw, ${key} AS _key FROM (${typed(from, ['id', 'patient'])})`,
    }
  }

  /** The same columns, in the same order, as in the table of the type. */
  #query(type: string, typed: string): string {
    const { source, run, cohort, now } = this.#options
    const computed = columnsOf(type).map(({ name }) => quoteName(name))
    const cohorts = cohort === undefined ? '' : sqlText(cohort)
    return `SELECT ${computed.join(', ')}, raw, ${sqlText(source)} AS _source, ${sqlText(run)} AS _run,
        ${sqlText(now().toISOString())}::TIMESTAMPTZ AS _loaded_at, [${cohorts}]::VARCHAR[] AS _cohorts
      FROM (${typed})`
  }

  /** Duplicates are rare, and looking for them in the written ids costs next to nothing. */
  async #hasDuplicates({ files }: ParquetPartition): Promise<boolean> {
    const paths = files.map(({ path }) => sqlPath(join(this.#generation.folder, path)))
    const found = await this.#connection.runAndReadAll(
      `SELECT 1 FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)
       WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1 LIMIT 1`,
    )
    return found.getRows().length > 0
  }
}

function typeOf(raw: string): string {
  return `json_extract_string(${raw}, '$.resourceType')`
}

/**
 * SQL of lines with their place in the files. Where rows are numbered, one thread reads, in order, whatever
 * `preserve_insertion_order` is.
 */
function numberedSql(from: string): string {
  return `(SELECT raw, row_number() OVER () AS line FROM ${from})`
}

/**
 * Notes the lines that give way to another of the same id: the newest wins, then the last. A line without
 * `meta.lastUpdated` is as new as can be; one without an id is nobody's duplicate.
 */
function repeatedLinesSql({ type, from }: PartitionSource): string {
  const keys = typedSelectSql(type, {
    from: numberedSql(from),
    columns: ['id', 'last_updated'],
    keep: ['line'],
  })
  return `CREATE OR REPLACE TEMP TABLE repeated_lines AS
    SELECT line FROM (
      SELECT line, row_number() OVER (
        PARTITION BY id ORDER BY last_updated DESC NULLS FIRST, line DESC) AS place
      FROM (${keys}) WHERE id IS NOT NULL)
    WHERE place > 1`
}

function withoutRepeatedSql(from: string): string {
  return `(SELECT raw FROM ${numberedSql(from)} ANTI JOIN temp.repeated_lines USING (line))`
}

function extentOf(files: readonly LandingFile[]): { textBytes: number; rows: number } {
  let textBytes = 0
  let rows = 0
  for (const { path, bytes, resources } of files) {
    const text = path.endsWith('.gz') ? bytes * GZIP_RATIO : bytes
    textBytes += text
    rows += resources ?? text / USUAL_TEXT_BYTES
  }
  return { textBytes, rows: Math.ceil(rows) }
}
