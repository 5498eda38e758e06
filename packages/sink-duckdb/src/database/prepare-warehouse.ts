import { missingColumnsSql, tableName } from '../columns/table-sql.ts'
import { WarehouseNotRecognisedError, WarehouseTooNewError } from '../errors.ts'
import { numberOf, type SqlRunner } from './sql.ts'
import { MIGRATIONS, WAREHOUSE_FORMAT } from './warehouse-schema.ts'

/** Column with a digest of `raw`, by which versions are compared without reading their texts. */
export const DIGEST_COLUMN = '_digest'

/**
 * Brings an open database to the form of this release. One that is empty becomes a warehouse.
 *
 * @throws {@link WarehouseNotRecognisedError} when it holds tables of something else.
 * @throws {@link WarehouseTooNewError} when a later release wrote it.
 */
export async function prepareWarehouse(sql: SqlRunner, path: string): Promise<void> {
  const format = await formatOf(sql, path)
  if (format > WAREHOUSE_FORMAT) throw new WarehouseTooNewError(path, format)
  if (format < WAREHOUSE_FORMAT) await migrate(sql, format)
}

/** Form of the bookkeeping; 0 of an empty database. */
async function formatOf(sql: SqlRunner, path: string): Promise<number> {
  const { marked, others } = await sql.row(
    `SELECT count(*) FILTER (schema_name = 'sync' AND table_name = 'warehouse') AS marked,
            count(*) AS others
     FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()`,
  )
  if (numberOf(marked) > 0) return sql.count(`SELECT max(format) AS n FROM sync.warehouse`)
  if (numberOf(others) > 0) {
    throw new WarehouseNotRecognisedError(path, 'a database that flatfhir did not make')
  }
  return 0
}

async function migrate(sql: SqlRunner, from: number): Promise<void> {
  await sql.run('BEGIN')
  for (const statement of MIGRATIONS.slice(from).flat()) await sql.run(statement)
  await sql.run(
    from === 0
      ? `INSERT INTO sync.warehouse VALUES (${WAREHOUSE_FORMAT}, now(), NULL)`
      : `UPDATE sync.warehouse SET format = ${WAREHOUSE_FORMAT}`,
  )
  await sql.run('COMMIT')
}

/** Adds the columns that a later release brought to the tables that are there. */
export async function addMissingColumns(sql: SqlRunner): Promise<void> {
  const tables = await sql.rows(
    `SELECT t.type, list(c.column_name) AS names
     FROM sync.tables t JOIN duckdb_columns() c
       ON c.table_name = t.table_name AND c.schema_name = 'main'
     WHERE c.database_name = current_database() GROUP BY t.type`,
  )
  for (const { type, names } of tables) {
    const existing = Array.isArray(names) ? names.map(String) : []
    const statements = missingColumnsSql(String(type), existing)
    if (statements.length === 0) continue
    await sql.run('BEGIN')
    for (const statement of statements) await sql.run(statement)
    await sql.run('COMMIT')
  }
}

/** Adds the column of digests to the table of a type. */
export function digestColumnSql(type: string): string {
  return `ALTER TABLE ${tableName(type)} ADD COLUMN IF NOT EXISTS ${DIGEST_COLUMN} UBIGINT`
}
