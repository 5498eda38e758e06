import {
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
} from '@duckdb/node-api'

import { openDuckDb } from '../database/open-duckdb.ts'
import { QueryRefusedError } from './errors.ts'
import { queryCell, type QueryCell } from './query-cell.ts'
import { isDuckDbError, queryFailure } from './query-failure.ts'
import type { QueryResult } from './query-result.ts'

const DEFAULT_WAIT_MS = 2_000
const READING: ReadonlySet<StatementType> = new Set([StatementType.SELECT, StatementType.EXPLAIN])

/** How a query is run. */
export interface QueryOptions {
  /**
   * Memory that DuckDB may use; what does not fit goes to a temporary directory.
   *
   * @defaultValue 600 MB
   */
  readonly memoryLimitBytes?: number
  /** @defaultValue all cores */
  readonly threads?: number
  /**
   * How long to wait for whoever writes to the database, in milliseconds.
   *
   * @defaultValue 2 seconds
   */
  readonly waitMs?: number
  /**
   * **Lets SQL read and write any file that the process may**, such as `read_csv('…')`.
   *
   * @defaultValue false
   */
  readonly allowExternalAccess?: boolean
  /** Aborting it interrupts the query. */
  readonly signal?: AbortSignal
}

/**
 * Runs one reading statement on a DuckDB database, which is opened for reading only and stays open
 * until the result is disposed of. Nobody may write to it meanwhile.
 *
 * @throws WarehouseBusyError while another process writes to the database.
 * @throws WarehouseNotRecognisedError when there is no DuckDB database.
 * @throws {@link QueryRefusedError} for what is not one statement that reads.
 * @throws QueryInvalidError for SQL that is wrong or fails. Holds nothing of the data.
 */
export async function queryDatabase(
  path: string,
  sql: string,
  options: QueryOptions = {},
): Promise<QueryResult> {
  const { signal } = options
  const database = await openDuckDb({ waitMs: DEFAULT_WAIT_MS, ...options, path, readOnly: true })
  const connection = await database.connect().catch(async (error: unknown) => {
    await database[Symbol.asyncDispose]()
    throw error
  })
  const interrupt = (): void => {
    connection.interrupt()
  }
  const close = async (): Promise<void> => {
    signal?.removeEventListener('abort', interrupt)
    // The file stays locked for as long as a connection is open.
    connection.closeSync()
    await database[Symbol.asyncDispose]()
  }
  signal?.addEventListener('abort', interrupt, { once: true })
  try {
    await restrict(connection, options)
    const result = await startQuery(connection, sql, signal)
    return {
      columns: columnsOf(result),
      rows: rowsOf(result, signal),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function restrict(
  connection: DuckDBConnection,
  { allowExternalAccess = false }: QueryOptions,
): Promise<void> {
  if (!allowExternalAccess) await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
}

async function startQuery(
  connection: DuckDBConnection,
  sql: string,
  signal: AbortSignal | undefined,
): Promise<DuckDBResult> {
  try {
    const statement = await prepareReading(connection, sql)
    // An interruption of what does not run yet is lost.
    signal?.throwIfAborted()
    return await statement.stream()
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof QueryRefusedError ? error : queryFailure(error)
  }
}

async function prepareReading(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql).catch((error: unknown) => {
    // What holds no statement at all makes the binding fail without one of DuckDB's errors.
    throw isDuckDbError(error) ? error : new QueryRefusedError('not-one-statement')
  })
  if (statements.count !== 1) throw new QueryRefusedError('not-one-statement')
  const statement = await statements.prepare(0)
  if (!READING.has(statement.statementType)) throw new QueryRefusedError('not-read-only')
  return statement
}

function columnsOf(result: DuckDBResult): QueryResult['columns'] {
  const types = result.columnTypes()
  return result
    .deduplicatedColumnNames()
    .map((name, index) => ({ name, type: types[index]?.toString() ?? '' }))
}

async function* rowsOf(
  result: DuckDBResult,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly QueryCell[], void, void> {
  for (;;) {
    signal?.throwIfAborted()
    const chunk = await result.fetchChunk().catch((error: unknown) => {
      signal?.throwIfAborted()
      throw queryFailure(error)
    })
    if (chunk === null || chunk.rowCount === 0) return
    for (const row of chunk.getRows()) yield row.map(queryCell)
  }
}
