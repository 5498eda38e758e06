import type { Column } from '../column.ts'

/** Columns of the types that people query in depth, beside those that every table has. */
export const RESOURCE_COLUMNS: Readonly<Record<string, readonly Column[]>> = {}
