import type { DuckDBConnection } from '@duckdb/node-api'
import { RESOURCE_TYPES } from '@flatfhir/protocol'
import { quoteName } from '../columns/quote-name.ts'
import { openDuckDb } from '../database/open-duckdb.ts'
import { warehouseError } from '../errors.ts'
import { checkParquetDirectory, Generation, writerPath } from './generation.ts'
import type { ParquetManifest, ParquetPartition } from './manifest.ts'
import { sortKeySql } from './sort-order.ts'
import { writePartition, type CuttingOptions } from './write-partition.ts'

/** How a dataset follows a warehouse. */
export interface PublishParquetOptions extends CuttingOptions {
  /** Directory of the dataset; made when it is missing. */
  readonly directory: string
  /** Id of the run whose commit is published. */
  readonly run: string
  /**
   * Types whose tables changed since the last publication; the files of the others stay. Types that
   * the dataset does not have yet are written in any case.
   *
   * @defaultValue all
   */
  readonly changedTypes?: readonly string[]
  /** @defaultValue `() => new Date()` */
  readonly now?: () => Date
}

/**
 * Brings a Parquet dataset to the state of a warehouse's resource tables: one partition a type, with
 * the columns of the table. It changes at once, by one rename; see `writeParquetDataset`.
 *
 * @param connection - Of the warehouse, with nobody writing meanwhile. Sorting spills to its
 *   `temp_directory`.
 * @throws {@link ParquetDirectoryRefusedError} when the directory holds something else.
 * @throws {@link WarehouseBusyError} when somebody else writes to the dataset.
 */
export async function publishParquetDataset(
  connection: DuckDBConnection,
  options: PublishParquetOptions,
): Promise<ParquetManifest> {
  const { directory, now = (): Date => new Date() } = options
  await checkParquetDirectory(directory, undefined)
  const lock = await openDuckDb({ path: writerPath(directory) })
  try {
    // Has to be set, and is set back: others may rely on it.
    const before = await connection.runAndReadAll(
      `SELECT current_setting('preserve_insertion_order')::VARCHAR`,
    )
    await connection.run('SET preserve_insertion_order = false')
    try {
      return await publish(connection, { ...options, now })
    } finally {
      await connection.run(`SET preserve_insertion_order = ${String(before.getRows()[0]?.[0])}`)
    }
  } catch (error) {
    throw warehouseError(error, 'publish the Parquet dataset')
  } finally {
    await lock[Symbol.asyncDispose]()
  }
}

async function publish(
  connection: DuckDBConnection,
  options: PublishParquetOptions & { readonly now: () => Date },
): Promise<ParquetManifest> {
  const { directory, run, now } = options
  const generation = await Generation.begin(directory, undefined)
  try {
    const partitions: ParquetPartition[] = []
    for (const table of await resourceTables(connection)) {
      const partition = await publishTable(connection, generation, { ...options, table })
      if (partition !== undefined) partitions.push(partition)
    }
    return await generation.publish({ run, source: undefined, partitions, now: now() })
  } catch (error) {
    await generation.discard()
    throw error
  }
}

interface ResourceTable {
  readonly type: string
  /** Quoted, with its schema. */
  readonly name: string
}

async function publishTable(
  connection: DuckDBConnection,
  generation: Generation,
  { table, changedTypes, run, ...options }: PublishParquetOptions & { table: ResourceTable },
): Promise<ParquetPartition | undefined> {
  const { type } = table
  const landed = generation.previous?.partitions.find((partition) => partition.type === type)
  if (landed !== undefined && changedTypes?.includes(type) === false) {
    await generation.keep(landed)
    return landed
  }
  const extent = await connection.runAndReadAll(
    `SELECT count(*), coalesce(sum(strlen(raw)), 0)::DOUBLE FROM ${table.name}`,
  )
  const [rows, textBytes] = (extent.getRows()[0] ?? []).map(Number)
  if (rows === undefined || rows === 0 || textBytes === undefined) return undefined
  return writePartition(connection, generation, {
    ...{ ...options, type, run, rows, textBytes },
    from: table.name,
    select: (from) => `SELECT * FROM ${from}`,
    selectKeyed: (from) => `SELECT *, ${sortKeySql(type)} AS _key FROM ${from}`,
  })
}

/** Tables that have what every table of resources has. */
async function resourceTables(connection: DuckDBConnection): Promise<readonly ResourceTable[]> {
  const found = await connection.runAndReadAll(
    `SELECT table_name FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
       AND table_oid IN (SELECT table_oid FROM duckdb_tables() WHERE NOT temporary)
       AND column_name IN ('id', 'raw', '_source', '_run')
     GROUP BY table_name HAVING count(*) = 4 ORDER BY table_name`,
  )
  const tables: ResourceTable[] = []
  for (const [table] of found.getRows()) {
    const name = `main.${quoteName(String(table))}`
    tables.push({ name, type: await typeOfTable(connection, { table: String(table), name }) })
  }
  return tables
}

/** Tables of types that R4 does not know say in their rows how the type is written. */
async function typeOfTable(
  connection: DuckDBConnection,
  { table, name }: { table: string; name: string },
): Promise<string> {
  const known = RESOURCE_TYPES.find((type) => type.toLowerCase() === table)
  if (known !== undefined) return known
  const found = await connection.runAndReadAll(
    `SELECT json_extract_string(raw, '$.resourceType') FROM ${name} LIMIT 1`,
  )
  const [[type] = []] = found.getRows()
  return typeof type === 'string' && type.toLowerCase() === table ? type : table
}
