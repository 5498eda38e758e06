import type { Column } from '../column.ts'
import { CLAIM_COLUMNS } from './claims.ts'
import { CLINICAL_COLUMNS } from './clinical.ts'
import { MEDICATION_COLUMNS } from './medications.ts'
import { PEOPLE_COLUMNS } from './people.ts'

/** Columns of the types that people query in depth, beside those that every table has. */
export const RESOURCE_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  ...CLINICAL_COLUMNS,
  ...CLAIM_COLUMNS,
  ...MEDICATION_COLUMNS,
  ...PEOPLE_COLUMNS,
}
