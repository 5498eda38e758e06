import type { LandingPart } from '@flatfhir/client'
import { sqlText } from '../ndjson/sql-text.ts'
import type { LandingContext } from './landing-context.ts'
import { stagedName } from './staging.ts'

/** Rows up to which a part goes, counted from the first of them all. */
export interface LandedPart {
  readonly part: LandingPart
  readonly untilRow: number
}

/** Where the lines of one type are that a run holds. */
export type TypeKeys =
  | { readonly type: string; readonly isDirect: false; readonly table: string }
  | {
      readonly type: string
      readonly isDirect: true
      readonly table: string
      readonly parts: readonly LandedPart[]
      /** Its `rowid`, as an SQL literal. */
      readonly firstRow: string
    }

/** Lines that are staged in a temporary table. */
export function stagedKeys(type: string): TypeKeys {
  return { type, isDirect: false, table: stagedName(type) }
}

/**
 * SQL of the lines that a run holds of a type: `rid` (in the order in which they were written), `id`,
 * `last_updated`, `_patients`, `_digest`, `part`.
 */
export function keysSql({ source }: LandingContext, keys: TypeKeys): string {
  const columns = 'rowid AS rid, id, last_updated, _patients, _digest'
  if (!keys.isDirect) return `(SELECT ${columns}, part FROM ${keys.table})`
  const part = partSql(keys.parts, keys.firstRow)
  return `(SELECT ${columns}, ${part} AS part FROM ${keys.table} WHERE _source = ${source})`
}

function partSql(parts: readonly LandedPart[], firstRow: string): string {
  const [only, ...others] = parts
  if (others.length === 0) return sqlText(only?.part ?? 'changes')
  const cases = parts.map(
    ({ part, untilRow }) => `WHEN rowid < ${firstRow} + ${untilRow} THEN ${sqlText(part)}`,
  )
  return `CASE ${cases.join(' ')} END`
}
