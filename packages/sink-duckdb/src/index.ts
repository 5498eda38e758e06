export type { Column, ColumnReading } from './columns/column.ts'
export { columnsOf } from './columns/columns-of.ts'
export { RESOURCE_COLUMNS } from './columns/descriptions/resource-columns.ts'
export { quoteName } from './columns/quote-name.ts'
export {
  createTableSql,
  LANDING_COLUMNS,
  missingColumnsSql,
  tableName,
} from './columns/table-sql.ts'
export { typedSelectSql, type TypedSelectOptions } from './columns/typed-select.ts'
export { QueryInvalidError, QueryRefusedError, type QueryRefusal } from './query/errors.ts'
export { formatQuery, type QueryFormat } from './query/format-query.ts'
export { cellJson, type QueryCell } from './query/query-cell.ts'
export { queryDatabase, type QueryOptions } from './query/query-database.ts'
export type { QueryColumn, QueryResult } from './query/query-result.ts'
export type { View } from './views/view.ts'
export { createViewsSql, VIEW_TYPES, VIEWS } from './views/views-sql.ts'
export * from './errors.ts'
export { type DuckDb, openDuckDb, type OpenDuckDbOptions } from './database/open-duckdb.ts'
export { DuckDbSink, type DuckDbSinkOptions } from './sink/duckdb-sink.ts'
export * from './parquet/index.ts'
export {
  LandingFileChangedError,
  LandingFileDamagedError,
  LandingFileMissingError,
  LandingLineInvalidError,
  LandingRefusedError,
} from './ndjson/index.ts'
