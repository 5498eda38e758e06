import { columnsOf } from '../columns/columns-of.ts'
import { quoteName } from '../columns/quote-name.ts'

/** SQL after ORDER BY for a type: patient, then the first date that the type is about, then the id. */
export function sortOrderSql(type: string): string {
  const columns = columnsOf(type)
  const patient = columns.find(({ name }) => name === 'patient')
  const date = columns.find(
    ({ name, reading }) => name !== 'last_updated' && (reading === 'instant' || reading === 'date'),
  )
  const names = [patient?.name, patient && date?.name, 'id'].filter((name) => name !== undefined)
  return names.map(quoteName).join(', ')
}
