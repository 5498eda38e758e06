import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { warehouseError } from '../errors.ts'
import { sqlText } from '../ndjson/sql-text.ts'

/** One row of an answer, by column; integers come as numbers where they fit, otherwise as bigint. */
export type SqlRow = Readonly<Record<string, unknown>>

/** Runs statements on one connection, and wraps what DuckDB throws. */
export class SqlRunner {
  readonly connection: DuckDBConnection

  constructor(connection: DuckDBConnection) {
    this.connection = connection
  }

  /**
   * Runs one statement.
   *
   * @returns how many rows it changed.
   */
  async run(sql: string, values: readonly DuckDBValue[] = []): Promise<number> {
    try {
      const result = await this.connection.run(sql, [...values])
      return result.rowsChanged
    } catch (error) {
      throw warehouseError(error, 'change the database')
    }
  }

  /** The rows of one query. */
  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<readonly SqlRow[]> {
    try {
      const reader = await this.connection.runAndReadAll(sql, [...values])
      return reader.getRowObjectsJS()
    } catch (error) {
      throw warehouseError(error, 'query the database')
    }
  }

  /** The one row of a query of aggregates; empty where there is none. */
  async row(sql: string, values: readonly DuckDBValue[] = []): Promise<SqlRow> {
    return (await this.rows(sql, values))[0] ?? {}
  }

  /** The count that a query selects as `n`. */
  async count(sql: string): Promise<number> {
    return numberOf((await this.row(sql))['n'])
  }
}

/** A count as a number: DuckDB hands out BIGINT as bigint. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0
}

/** An instant as an SQL literal. */
export function sqlInstant(instant: Date | undefined): string {
  return instant === undefined
    ? 'NULL::TIMESTAMPTZ'
    : `TIMESTAMPTZ ${sqlText(instant.toISOString())}`
}

/** A text as an SQL literal, or NULL. */
export function sqlOptionalText(text: string | undefined): string {
  return text === undefined ? 'NULL' : sqlText(text)
}

/** A whole number as an SQL literal, or NULL. */
export function sqlOptionalNumber(value: number | undefined): string {
  return value === undefined || !Number.isSafeInteger(value) ? 'NULL' : String(value)
}
