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
