import {
  KICK_OFF_PARAMETER_NAMES,
  RequestInvalidError,
  type ExportLevel,
  type IgnoredParameter,
  type KickOffParameters,
  type KickOffSupport,
  type ResourceType,
  type TypeFilter,
} from '@flatfhir/protocol'
import { compileSearch } from '@flatfhir/search'
import type { AllowedExport } from '../access/export-rights.ts'
import type { ExportQuery, SearchRestriction } from '../resource-store.ts'

/** What kick-off requests may ask for: all that the IG has. */
export const KICK_OFF_SUPPORT: KickOffSupport = {
  parameters: new Set(KICK_OFF_PARAMETER_NAMES),
  organizers: new Set<ResourceType>(['Patient']),
}

/** What `_typeFilter` comes to. */
export interface ReadTypeFilters {
  readonly restrictions: readonly SearchRestriction[]
  readonly ignored: readonly IgnoredParameter[]
}

/**
 * Checks the searches of `_typeFilter` and gathers those of a type.
 *
 * @throws `SearchInvalidError` for what cannot be read; `SearchUnsupportedError` for what is not
 *   supported, which is ignored and reported where the request is lenient.
 */
export function readTypeFilters(
  filters: readonly TypeFilter[],
  { lenient }: { readonly lenient: boolean },
): ReadTypeFilters {
  const byType = new Map<ResourceType, string[]>()
  const ignored: IgnoredParameter[] = []
  for (const { type, query } of filters) {
    const handling = lenient ? 'lenient' : 'strict'
    const search = compileSearch(type, query, { handling, resolve: () => undefined })
    for (const { reason } of search.ignored) ignored.push({ name: '_typeFilter', reason })
    byType.set(type, [...(byType.get(type) ?? []), query])
  }
  const restrictions = [...byType].map(([type, anyOf]): SearchRestriction => ({
    ...{ type, anyOf, origin: 'type-filter' },
    ...(lenient && { lenient }),
  }))
  return { restrictions, ignored }
}

/** What {@link exportQuery} is made of. */
export interface ExportQueryParts {
  readonly level: ExportLevel
  readonly groupId: string | undefined
  readonly fhirBaseUrl: string
  readonly parameters: KickOffParameters
  readonly decision: AllowedExport
  /** Of `_typeFilter`. */
  readonly filters: readonly SearchRestriction[]
}

/**
 * The query of a job, as it is kept with it.
 *
 * @throws RequestInvalidError for parameters that do not go together.
 */
export function exportQuery(parts: ExportQueryParts): ExportQuery {
  const { level, groupId, fhirBaseUrl, parameters, decision, filters } = parts
  const { since, until, elements, patients, organizeOutputBy } = parameters
  const { minimumFileSize, maximumFileSize } = parameters
  const provenance = associatedProvenance(parameters)
  const restrictions = [...decision.restrictions, ...filters]
  requireWritable(maximumFileSize)
  return {
    ...{ level, fhirBaseUrl },
    ...(groupId !== undefined && { groupId }),
    ...(decision.types !== undefined && { types: decision.types }),
    ...(since !== undefined && { sinceMs: since.getTime() }),
    ...(until !== undefined && { untilMs: until.getTime() }),
    ...(patients !== undefined && { patientIds: patients }),
    ...(restrictions.length > 0 && { restrictions }),
    ...(elements !== undefined && { elements }),
    ...(provenance !== undefined && { provenance }),
    ...(organizeOutputBy !== undefined && { organizedBy: 'Patient' as const }),
    ...(minimumFileSize !== undefined && { minFileBytes: minimumFileSize }),
    ...(maximumFileSize !== undefined && { maxFileBytes: maximumFileSize }),
  }
}

/** Fits every OperationOutcome and deletion, so that what is left out can be told. */
const LEAST_MAXIMUM_FILE_SIZE = 4096

function requireWritable(maximumFileSize: number | undefined): void {
  if (maximumFileSize === undefined || maximumFileSize >= LEAST_MAXIMUM_FILE_SIZE) return
  throw new RequestInvalidError('value', '_maximumFileSize is too small', {
    nextStep: `Give at least ${LEAST_MAXIMUM_FILE_SIZE} bytes, or leave _maximumFileSize out.`,
  })
}

/** Where both values are asked for, the one for more data counts. */
function associatedProvenance({
  includeAssociatedData,
  organizeOutputBy,
}: KickOffParameters): ExportQuery['provenance'] {
  if (includeAssociatedData === undefined) return undefined
  if (organizeOutputBy !== undefined) {
    throw new RequestInvalidError(
      'not-supported',
      'includeAssociatedData and organizeOutputBy cannot be combined',
      {
        nextStep: "Leave includeAssociatedData out: a patient's block holds all Provenance of it.",
      },
    )
  }
  return includeAssociatedData.includes('RelevantProvenanceResources') ? 'relevant' : 'latest'
}
