import { bulkData, stu4 } from '@flatfhir/conformance'

/** Requirements that this product means to meet and does not meet yet. Ends up empty. */
export const NOT_YET: ReadonlySet<string> = new Set([
  ...[23, 39, 71, 213, 214, 215, 216].map(bulkData),
  ...['group-create-async', 'group-update-async', 'group-profile'].map(stu4),
  ...['member-filter', 'member-filter-and', 'member-filter-members'].map(stu4),
  ...['member-filter-compartment', 'member-filter-refused'].map(stu4),
])
