import type { QueryCell } from './query-cell.ts'

/** One column of a result. */
export interface QueryColumn {
  /** Unlike those of the other columns. */
  readonly name: string
  /** DuckDB's name of the type. */
  readonly type: string
}

/** The answer to a query. Rows come as they are asked for; memory does not grow with their number. */
export interface QueryResult extends AsyncDisposable {
  readonly columns: readonly QueryColumn[]
  /**
   * The rows, to be read once.
   *
   * @throws QueryInvalidError when the query fails on the way.
   */
  readonly rows: AsyncIterable<readonly QueryCell[]>
}
