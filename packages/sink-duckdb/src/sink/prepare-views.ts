import { createHash } from 'node:crypto'
import { RESOURCE_COLUMNS } from '../columns/descriptions/resource-columns.ts'
import { createTableSql } from '../columns/table-sql.ts'
import { addMissingColumns } from '../database/prepare-warehouse.ts'
import type { SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import { createViewsSql, VIEW_TYPES } from '../views/views-sql.ts'
import { ensureTable } from './resource-table.ts'

/** A type that has no description of its own. */
const ANY_OTHER = 'Basic'

/**
 * Brings columns and views to those of this release, unless they are: which is told by their digest, as
 * looking at every table takes its time, and a database is opened several times in a run.
 */
export async function prepareViews(sql: SqlRunner): Promise<void> {
  const statements = createViewsSql()
  const digest = digestOf(statements)
  const { views } = await sql.row(`SELECT views FROM sync.warehouse`)
  if (views === digest) return
  await addMissingColumns(sql)
  await sql.run('BEGIN')
  for (const type of VIEW_TYPES) await ensureTable(sql, type)
  for (const statement of statements) await sql.run(statement)
  await sql.run(`UPDATE sync.warehouse SET views = ${sqlText(digest)}`)
  await sql.run('COMMIT')
}

function digestOf(statements: readonly string[]): string {
  const tables = [...Object.keys(RESOURCE_COLUMNS), ANY_OTHER].map((type) => createTableSql(type))
  return createHash('sha256')
    .update([...tables, ...statements].join('\n'))
    .digest('hex')
}
