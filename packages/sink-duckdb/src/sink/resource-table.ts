import { isResourceType, RESOURCE_TYPES } from '@flatfhir/protocol'
import { createTableSql, tableName } from '../columns/table-sql.ts'
import { DIGEST_COLUMN, digestColumnSql } from '../database/prepare-warehouse.ts'
import type { SqlRunner } from '../database/sql.ts'
import { columnsOf } from '../columns/columns-of.ts'
import { quoteName } from '../columns/quote-name.ts'
import { ResourceTypeRefusedError } from '../errors.ts'
import { sqlText } from '../ndjson/sql-text.ts'

const TYPE_NAME = /^[A-Z][A-Za-z]{1,63}$/
const KNOWN_TABLES: ReadonlySet<string> = new Set(RESOURCE_TYPES.map((type) => type.toLowerCase()))

/**
 * Checks that a type can be a table: names become SQL, and two types must not share a table.
 *
 * @throws {@link ResourceTypeRefusedError}
 */
export function checkTypeName(type: string): void {
  const isTaken = !isResourceType(type) && KNOWN_TABLES.has(type.toLowerCase())
  if (!TYPE_NAME.test(type) || isTaken) throw new ResourceTypeRefusedError()
}

/**
 * Makes the table of a type where there is none.
 *
 * @throws {@link ResourceTypeRefusedError} when something else has its name.
 */
export async function ensureTable(sql: SqlRunner, type: string): Promise<void> {
  const name = type.toLowerCase()
  const known = await sql.rows(`SELECT type FROM sync.tables WHERE table_name = ${sqlText(name)}`)
  if (known[0]?.['type'] === type) return
  const others = await sql.count(
    `SELECT count(*) AS n FROM duckdb_views()
     WHERE lower(view_name) = ${sqlText(name)} AND schema_name = 'main'`,
  )
  if (known.length > 0 || others > 0) throw new ResourceTypeRefusedError()
  await sql.run(createTableSql(type))
  await sql.run(digestColumnSql(type))
  await sql.run(`INSERT INTO sync.tables VALUES (${sqlText(type)}, ${sqlText(name)}, 0, '')`)
}

/** The table of a type, with its schema. */
export function mainTable(type: string): string {
  return `main.${tableName(type)}`
}

/** `INSERT INTO` the table of a type, with the columns in the order of {@link insertedValues}. */
export function insertHead(type: string): string {
  const typed = columnsOf(type).map(({ name }) => quoteName(name))
  const landing = ['raw', DIGEST_COLUMN, '_cohorts', '_source', '_run', '_loaded_at']
  return `INSERT INTO ${mainTable(type)} (${[...typed, ...landing].join(', ')})`
}
