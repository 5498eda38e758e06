import { RAW_COMPRESSION } from '../ndjson/storage.ts'
import { columnsOf } from './columns-of.ts'
import { quoteName } from './quote-name.ts'
import { typedSelectSql } from './typed-select.ts'

/** Columns of every table that do not follow from the resource's text, with their types. */
export const LANDING_COLUMNS: readonly { readonly name: string; readonly sqlType: string }[] = [
  { name: 'raw', sqlType: 'VARCHAR' },
  { name: '_source', sqlType: 'VARCHAR' },
  { name: '_run', sqlType: 'VARCHAR' },
  { name: '_loaded_at', sqlType: 'TIMESTAMPTZ' },
  { name: '_cohorts', sqlType: 'VARCHAR[]' },
]

/** Quoted name of the table of a type: the type in lower case. */
export function tableName(type: string): string {
  return quoteName(type.toLowerCase())
}

/**
 * Makes the table of a type where there is none. Statements that write to it should name the columns:
 * those that a later release adds come last in older databases.
 *
 * @param table - Quoted name of the table, where it is to be another than `tableName(type)`.
 */
export function createTableSql(type: string, table: string = tableName(type)): string {
  const columns = [...columnsOf(type), ...LANDING_COLUMNS]
  const definitions = columns.map(
    ({ name, sqlType }) =>
      `${quoteName(name)} ${sqlType}${name === 'raw' ? ` ${RAW_COMPRESSION}` : ''}`,
  )
  return `CREATE TABLE IF NOT EXISTS ${table} (\n  ${definitions.join(',\n  ')}\n)`
}

/**
 * The statements that bring the table of a type, made by an older release, to the columns of this
 * one, filled from `raw`. None where nothing is missing. Columns that this release does not know
 * stay.
 *
 * @param existing - Names of the columns that the table has.
 * @param table - Quoted name of the table, where it is to be another than `tableName(type)`.
 */
export function missingColumnsSql(
  type: string,
  existing: readonly string[],
  table: string = tableName(type),
): readonly string[] {
  const has = new Set(existing)
  const missing = columnsOf(type).filter(({ name }) => !has.has(name))
  const missingLanding = LANDING_COLUMNS.filter(({ name }) => !has.has(name))
  const added = [...missing, ...missingLanding].map(
    ({ name, sqlType }) =>
      `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quoteName(name)} ${sqlType}`,
  )
  if (missing.length === 0) return added
  const names = missing.map(({ name }) => name)
  const values = typedSelectSql(type, {
    from: `(SELECT rowid AS _row, "raw" FROM ${table})`,
    columns: names,
    keep: ['_row'],
  })
  const assignments = names.map((name) => `${quoteName(name)} = _new.${quoteName(name)}`)
  return [
    ...added,
    `UPDATE ${table} SET ${assignments.join(', ')} FROM (${values}) AS _new WHERE ${table}.rowid = _new._row`,
  ]
}
