import { resolve } from 'node:path'
import type { SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import { readParquetManifest } from '../parquet/manifest.ts'
import { publishParquetDataset } from '../parquet/publish-parquet-dataset.ts'

/**
 * Brings a Parquet dataset to the state of the last commit: only types whose tables changed since they
 * were published are written. Killed before it notes that it is done, it does them once more.
 */
export async function publishParquet(sql: SqlRunner, directory: string): Promise<void> {
  const run = await lastRun(sql)
  if (run === undefined) return
  const path = resolve(directory)
  const changedTypes = await changedSince(sql, path)
  const isThere = (await readParquetManifest(path)) !== undefined
  if (isThere && changedTypes.length === 0) return
  await publishParquetDataset(sql.connection, { directory: path, run, changedTypes })
  await notePublished(sql, path)
}

async function lastRun(sql: SqlRunner): Promise<string | undefined> {
  const { run } = await sql.row(
    `SELECT run FROM sync.runs WHERE result = 'committed' ORDER BY position DESC LIMIT 1`,
  )
  return typeof run === 'string' ? run : undefined
}

async function changedSince(sql: SqlRunner, directory: string): Promise<readonly string[]> {
  const rows = await sql.rows(
    `SELECT t.type FROM sync.tables t
     LEFT JOIN sync.publications p ON p.type = t.type AND p.directory = ${sqlText(directory)}
     WHERE t.changes > 0 AND t.changes IS DISTINCT FROM p.changes`,
  )
  return rows.map(({ type }) => String(type))
}

async function notePublished(sql: SqlRunner, directory: string): Promise<void> {
  const name = sqlText(directory)
  await sql.run('BEGIN')
  await sql.run(`DELETE FROM sync.publications WHERE directory = ${name}`)
  await sql.run(`INSERT INTO sync.publications SELECT ${name}, type, changes FROM sync.tables`)
  await sql.run('COMMIT')
}
