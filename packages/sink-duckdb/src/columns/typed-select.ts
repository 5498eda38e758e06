import type { Column } from './column.ts'
import { columnsOf } from './columns-of.ts'
import { compartmentSql } from './compartment-sql.ts'
import { quoteName } from './quote-name.ts'
import { readingSql } from './reading-sql.ts'

/** What {@link typedSelectSql} selects from. */
export interface TypedSelectOptions {
  /** What stands after FROM: the name of a table, or a query in brackets. */
  readonly from: string
  /**
   * Name of the VARCHAR column with the JSON text of one resource.
   *
   * @defaultValue `raw`
   */
  readonly raw?: string
  /** Names of columns of `from` to hand on as they are, after the computed ones. */
  readonly keep?: readonly string[]
  /**
   * Names of the columns to compute.
   *
   * @defaultValue all of `columnsOf(type)`
   */
  readonly columns?: readonly string[]
  /**
   * Every text is JSON that DuckDB's parser takes, so that none has to be tried first. Where one is not
   * after all, the statement fails, with a message that quotes it.
   *
   * @defaultValue `false`
   */
  readonly areParsable?: boolean
}

/**
 * The SELECT statement that computes the columns of a type, in the order of `columnsOf`, followed by
 * the columns to keep.
 *
 * Never an error, whatever the texts are. A text that is no JSON gives NULL in every column and an
 * empty list of patients. Where a name stands twice in an object, the first one counts.
 *
 * Three levels, because they decide the speed: one extraction of all paths parses a text once, the
 * texts become columns so that expressions can name them at no cost, and only then come the
 * expressions.
 */
export function typedSelectSql(type: string, options: TypedSelectOptions): string {
  const { from, raw = 'raw', keep = [], areParsable = false } = options
  const wanted = options.columns === undefined ? undefined : new Set(options.columns)
  const columns = columnsOf(type).filter(({ name }) => wanted?.has(name) !== false)
  const paths = [...new Set(columns.flatMap((column) => column.paths))]
  const kept = keep.map(quoteName)
  const readable = areParsable ? quoteName(raw) : readableSql(quoteName(raw))
  const extracted = select([`${extractionSql(readable, paths)} AS _texts`, ...kept], from)
  const texts = paths.map((_, index) => `_texts[${index + 1}] AS ${textName(index)}`)
  const named = select([...texts, ...kept], `(${extracted})`)
  const positions = new Map(paths.map((path, index) => [path, index]))
  const values = columns.map((column) => columnSql(type, column, positions))
  return select([...values, ...kept], `(${named})`)
}

function select(list: readonly string[], from: string): string {
  return `SELECT ${list.join(', ')} FROM ${from}`
}

function textName(index: number): string {
  return `_text_${index}`
}

function columnSql(type: string, column: Column, positions: ReadonlyMap<string, number>): string {
  const texts = column.paths.map((path) => textName(positions.get(path) ?? 0))
  const value = valueSql(type, column, texts)
  return `${value} AS ${quoteName(column.name)}`
}

function valueSql(type: string, column: Column, texts: readonly string[]): string {
  const { reading } = column
  if (reading === 'patients') return compartmentSql(type, texts)
  if (reading === 'first-patient') return `(${compartmentSql(type, texts)})[1]`
  return readingSql({ ...column, reading }, texts)
}

/**
 * JSON allows escapes of half a surrogate pair, which DuckDB's parser refuses: they are replaced
 * before reading. A text that is still no JSON is not read: the parser's error would quote it.
 */
function readableSql(raw: string): string {
  const mended = `regexp_replace(${raw}, '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\\\ufffd', 'g')`
  return `CASE WHEN json_valid(${raw}) THEN ${raw} WHEN json_valid(${mended}) THEN ${mended} END`
}

function extractionSql(readable: string, paths: readonly string[]): string {
  return `json_extract_string(${readable}, [${paths.map((path) => `'${path}'`).join(', ')}])`
}
