import { isResourceType, type ResourceType } from '@flatfhir/protocol'
import {
  type CompiledSearch,
  compileSearch,
  type CompileSearchOptions,
  type IgnoredSearchParameter,
} from './compile-search.ts'
import type { JsonObject } from './json.ts'
import { parseTypeFilter } from './query.ts'

/** An ignored parameter, and the type of the filter that it stood in. */
export interface IgnoredFilterParameter extends IgnoredSearchParameter {
  readonly type: ResourceType
}

/** Searches of any types, as the `_typeFilter` parameters of one kick-off request give them. */
export interface TypeFilters {
  /** The types that are filtered, sorted; all others pass unseen. */
  readonly types: readonly ResourceType[]
  /** Empty unless handling is lenient. */
  readonly ignored: readonly IgnoredFilterParameter[]
  /** Whether resources of a type have to be parsed and asked about. */
  isFiltered(type: string): boolean
  /** The filters of a type, of which one has to match; empty for a type that is not filtered. */
  searchesOf(type: string): readonly CompiledSearch[]
  /** Whether a parsed resource is of a type without filters, or meets one of its type's filters. */
  matches(resource: JsonObject): boolean
}

/**
 * Compiles the `_typeFilter` parameters of a kick-off request: several for one type are joined by
 * "or", and types without one stay unfiltered.
 *
 * @param filters - One search each, for example `MedicationRequest?status=active`.
 * @throws {@link SearchInvalidError} when one cannot be read.
 * @throws {@link SearchUnsupportedError} when one holds what is not supported and handling is strict.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-query-parameter | Bulk Data: _typeFilter}
 */
export function compileTypeFilters(
  filters: readonly string[],
  options: CompileSearchOptions = {},
): TypeFilters {
  // One "now" for all of them, or filters of one request could disagree about what is recent.
  const shared = { ...options, now: options.now ?? new Date() }
  const searches = filters.map((filter) => {
    const { type, query } = parseTypeFilter(filter)
    return compileSearch(type, query, shared)
  })
  return combineSearches(searches)
}

/** Joins compiled searches: by "or" within a type, each type for itself. */
export function combineSearches(searches: readonly CompiledSearch[]): TypeFilters {
  const byType = new Map<string, CompiledSearch[]>()
  for (const search of searches) {
    const ofType = byType.get(search.type)
    if (ofType === undefined) byType.set(search.type, [search])
    else ofType.push(search)
  }
  return {
    types: [...byType.keys()].filter(isResourceType).sort(),
    ignored: searches.flatMap(({ type, ignored }) => ignored.map((one) => ({ ...one, type }))),
    isFiltered: (type) => byType.has(type),
    searchesOf: (type) => byType.get(type) ?? [],
    matches: (resource) => {
      const type = resource['resourceType']
      const ofType = typeof type === 'string' ? byType.get(type) : undefined
      return ofType?.some((search) => search.matches(resource)) ?? true
    },
  }
}
