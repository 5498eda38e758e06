import { type DuckDbSinkOptions, DuckDbSink, openDuckDb } from '@flatfhir/sink-duckdb'
import type { LandedRow, SinkPlace } from '@flatfhir/testkit'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const directories: string[] = []

afterAll(async () => {
  for (const directory of directories.splice(0)) {
    await rm(directory, { recursive: true, force: true })
  }
})

/** A directory of its own, removed when the file's tests have ended. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sink-duckdb-'))
  directories.push(directory)
  return directory
}

/** A DuckDB warehouse of its own. */
export async function makePlace(
  options: Partial<DuckDbSinkOptions> = {},
): Promise<SinkPlace & { readonly path: string }> {
  const path = join(await makeDirectory(), 'warehouse.duckdb')
  return {
    path,
    sink: () => new DuckDbSink({ path, ...options }),
    rows: () => landedRows(path),
  }
}

/** The rows of one query. */
export async function query(
  path: string,
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using db = await openDuckDb({ path, readOnly: true })
  const connection = await db.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
  }
}

async function landedRows(path: string): Promise<readonly LandedRow[]> {
  const tables = await query(path, 'SELECT type, table_name FROM sync.tables').catch(() => [])
  if (tables.length === 0) return []
  const selects = tables.map(
    ({ type, table_name: table }) =>
      `SELECT '${String(type)}' AS type, _source, id, raw, list_sort(_cohorts) AS cohorts, _run
       FROM main."${String(table)}"`,
  )
  const rows = await query(path, selects.join(' UNION ALL '))
  return rows.map((row) => ({
    source: String(row['_source']),
    type: String(row['type']),
    id: String(row['id']),
    raw: String(row['raw']),
    cohorts: row['cohorts'] as readonly string[],
    runId: String(row['_run']),
  }))
}
