import { column, type Column } from './column.ts'
import { compartmentPaths } from './compartment-sql.ts'
import { RESOURCE_COLUMNS } from './descriptions/resource-columns.ts'
import { GENERIC_COLUMNS } from './descriptions/generic.ts'

const LEADING: readonly Column[] = [
  column('id', 'text', 'id'),
  column('version_id', 'text', 'meta.versionId'),
  column('last_updated', 'instant', 'meta.lastUpdated'),
]

/**
 * The columns that follow from a resource's JSON text, in the order of the table: `id`, `version_id`,
 * `last_updated`, those of the type, `_patients`. Any name of a type has columns, also one that R4
 * does not know.
 */
export function columnsOf(type: string): readonly Column[] {
  const typed = Object.hasOwn(RESOURCE_COLUMNS, type) ? RESOURCE_COLUMNS[type] : undefined
  const described = (typed ?? GENERIC_COLUMNS).map((each) =>
    each.reading === 'first-patient' ? { ...each, paths: compartmentPaths(type) } : each,
  )
  return [...LEADING, ...described, patientsColumn(type)]
}

function patientsColumn(type: string): Column {
  const paths = compartmentPaths(type)
  return { name: '_patients', sqlType: 'VARCHAR[]', reading: 'patients', paths }
}
