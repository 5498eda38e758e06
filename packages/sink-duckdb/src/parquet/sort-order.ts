import { columnsOf } from '../columns/columns-of.ts'
import { quoteName } from '../columns/quote-name.ts'

/** SQL after ORDER BY for a type: patient, then the first date that the type is about, then the id. */
export function sortOrderSql(type: string): string {
  const columns = columnsOf(type)
  const date = columns.find(
    ({ name, reading }) => name !== 'last_updated' && (reading === 'instant' || reading === 'date'),
  )
  if (!hasPatient(type)) return 'id'
  return [sortKeySql(type), date && quoteName(date.name), 'id'].filter(Boolean).join(', ')
}

/** SQL of the first key: the patient, or the id where the type is not about one; never NULL. */
export function sortKeySql(type: string): string {
  return hasPatient(type) ? `coalesce(patient, '')` : `coalesce(id, '')`
}

function hasPatient(type: string): boolean {
  return columnsOf(type).some(({ name }) => name === 'patient')
}
