import { createHash } from 'node:crypto'
import type { SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import { createViewsSql, VIEW_TYPES } from '../views/views-sql.ts'
import { ensureTable } from './resource-table.ts'

/** Makes the views of this release, unless they are there. */
export async function prepareViews(sql: SqlRunner): Promise<void> {
  const statements = createViewsSql()
  const digest = createHash('sha256').update(statements.join('\n')).digest('hex')
  const { views } = await sql.row(`SELECT views FROM sync.warehouse`)
  if (views === digest) return
  await sql.run('BEGIN')
  for (const type of VIEW_TYPES) await ensureTable(sql, type)
  for (const statement of statements) await sql.run(statement)
  await sql.run(`UPDATE sync.warehouse SET views = ${sqlText(digest)}`)
  await sql.run('COMMIT')
}
