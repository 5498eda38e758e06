import type { KickOffParameters } from './kick-off-parameters.ts'

/**
 * Which Provenance resources an export holds:
 *
 * - `latest`: for each resource the latest one about it;
 * - `all`: every one about a resource of the export;
 * - `none`: nobody asked for any.
 */
export type ProvenanceRule = 'latest' | 'all' | 'none'

/**
 * The rule that a kick-off request stands for. Of two values of `includeAssociatedData` the one for
 * more data counts (SHALL). Without one, all are included unless `_type` leaves Provenance out
 * (SHALL).
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters, includeAssociatedData}
 */
export function provenanceRule({
  includeAssociatedData = [],
  types,
}: Pick<KickOffParameters, 'includeAssociatedData' | 'types'>): ProvenanceRule {
  if (includeAssociatedData.includes('RelevantProvenanceResources')) return 'all'
  if (includeAssociatedData.includes('LatestProvenanceResources')) return 'latest'
  return types?.includes('Provenance') === false ? 'none' : 'all'
}
