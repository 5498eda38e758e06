import type { Column } from './column.ts'
import { columnsOf } from './columns-of.ts'
import { compartmentSql } from './compartment-sql.ts'
import { quoteName } from './quote-name.ts'
import { readingSql } from './reading-sql.ts'

/** Where {@link typedSelectSql} finds the resource. */
export interface TypedSelectOptions {
  /** SQL of a VARCHAR with the JSON text of one resource, such as the name of a column. */
  readonly raw: string
  /**
   * Names of the columns that are wanted.
   *
   * @defaultValue all of {@link columnsOf}
   */
  readonly columns?: readonly string[]
}

/**
 * The list between SELECT and FROM that computes the columns of a type, each `AS` its name, in the
 * order of `columnsOf`.
 *
 * Never an error, whatever the text is. Text that is no JSON gives NULL in every column.
 */
export function typedSelectSql(type: string, options: TypedSelectOptions): string {
  const wanted = options.columns === undefined ? undefined : new Set(options.columns)
  const columns = columnsOf(type).filter(({ name }) => wanted?.has(name) !== false)
  return columnExpressions(type, options.raw, columns)
    .map(({ name, sql }) => `${sql} AS ${quoteName(name)}`)
    .join(',\n  ')
}

/** The SQL of each of some columns of a type. */
export function columnExpressions(
  type: string,
  raw: string,
  columns: readonly Column[],
): readonly { readonly name: string; readonly sql: string }[] {
  const paths = [...new Set(columns.flatMap((column) => column.paths))]
  const extraction = extractionSql(raw, paths)
  const positions = new Map(paths.map((path, index) => [path, index + 1]))
  return columns.map((column) => {
    const texts = column.paths.map((path) => `${extraction}[${positions.get(path) ?? 0}]`)
    return { name: column.name, sql: columnSql(type, column, texts) }
  })
}

function columnSql(type: string, column: Column, texts: readonly string[]): string {
  const { reading } = column
  return reading === 'patients'
    ? compartmentSql(type, texts)
    : readingSql({ ...column, reading }, texts)
}

/**
 * One extraction for all columns: DuckDB sees that the same expression is meant everywhere, and
 * parses each text once.
 *
 * JSON allows escapes of half a surrogate pair, which DuckDB's parser refuses; so where it fails the
 * text is read again with those replaced.
 */
function extractionSql(raw: string, paths: readonly string[]): string {
  const list = `[${paths.map((path) => `'${path}'`).join(',')}]`
  const mended = `regexp_replace(${raw}, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd', 'g')`
  return `coalesce(TRY(json_extract_string(${raw}, ${list})), TRY(json_extract_string(${mended}, ${list})))`
}
