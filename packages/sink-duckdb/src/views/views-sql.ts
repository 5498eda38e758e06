import { createTableSql } from '../columns/table-sql.ts'
import { CLINICAL_VIEWS } from './clinical-views.ts'
import { PATIENT_VIEWS } from './patient-views.ts'
import type { View } from './view.ts'

/** The views that answer first questions, in an order in which they can be made. */
export const VIEWS: readonly View[] = [...PATIENT_VIEWS, ...CLINICAL_VIEWS]

/** Types whose tables the views read; where nothing of them is landed the tables are empty. */
export const VIEW_TYPES: readonly string[] = [
  ...new Set(VIEWS.flatMap(({ types }) => types)),
].sort()

/**
 * The statements that make the views, or bring them to what this release means by them, after the
 * bookkeeping (`sync.merges`) is there. Tables that the views need and that are missing are made,
 * empty.
 */
export function createViewsSql(): readonly string[] {
  return [
    ...VIEW_TYPES.map((type) => createTableSql(type)),
    ...VIEWS.map(({ name, query }) => `CREATE OR REPLACE VIEW ${name} AS ${query}`),
  ]
}
