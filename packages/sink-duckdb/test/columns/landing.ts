import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api'

import { createTableSql, tableName } from '../../src/columns/table-sql.ts'
import { typedSelectSql } from '../../src/columns/typed-select.ts'
import { columnsOf } from '../../src/columns/columns-of.ts'
import { quoteName } from '../../src/columns/quote-name.ts'

export type Row = Readonly<Record<string, Json>>

export interface Resource {
  readonly resourceType: string
  readonly [element: string]: unknown
}

export async function inMemory(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '600MB' })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return connection
}

/** Lands the texts of resources of one type, as a sink does. */
export async function land(
  connection: DuckDBConnection,
  type: string,
  texts: readonly string[],
): Promise<void> {
  await connection.run(createTableSql(type))
  await connection.run('CREATE OR REPLACE TEMP TABLE staged (raw VARCHAR)')
  const appender = await connection.createAppender('staged')
  for (const text of texts) {
    appender.appendVarchar(text)
    appender.endRow()
  }
  appender.closeSync()
  const names = [...columnsOf(type).map(({ name }) => name), 'raw'].map(quoteName).join(', ')
  await connection.run(
    `INSERT INTO ${tableName(type)} (${names}, _source, _run)
     SELECT *, 'https://fhir.example', 'run-1'
     FROM (${typedSelectSql(type, { from: 'staged', keep: ['raw'] })})`,
  )
}

export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  const reader = await connection.runAndReadAll(sql)
  return reader.getRowObjectsJson()
}

/** Lands one resource, and answers what its columns hold, without those that hold nothing. */
export async function columnsHeldBy(
  connection: DuckDBConnection,
  resource: Resource,
): Promise<Row> {
  const type = resource.resourceType
  await connection.run(`DROP TABLE IF EXISTS ${tableName(type)}`)
  await land(connection, type, [JSON.stringify(resource)])
  const [row = {}] = await rowsOf(
    connection,
    `SELECT * EXCLUDE (raw, _source, _run, _loaded_at, _cohorts) FROM ${tableName(type)}`,
  )
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}
