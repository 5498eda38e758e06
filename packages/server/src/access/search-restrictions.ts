import { isResourceType } from '@flatfhir/protocol'
import {
  compileSearch,
  type CompiledSearch,
  type CompileSearchOptions,
  type JsonObject,
} from '@flatfhir/search'
import type { SearchRestriction } from '../resource-store.ts'

/** Restrictions, ready to be asked about resources. */
export interface CompiledRestrictions {
  /** Whether a resource meets every restriction of its type. */
  admits(resource: JsonObject): boolean
}

/**
 * Compiles what a job's resources have to meet.
 *
 * @throws `SearchInvalidError`, `SearchUnsupportedError`
 */
export function compileRestrictions(
  restrictions: readonly SearchRestriction[],
  options: Omit<CompileSearchOptions, 'handling'>,
): CompiledRestrictions {
  const byType = new Map<string, (readonly CompiledSearch[])[]>()
  for (const { type, anyOf, lenient = false } of restrictions) {
    const handling = lenient ? 'lenient' : 'strict'
    const searches = anyOf.map((query) => compileSearch(type, query, { ...options, handling }))
    byType.set(type, [...(byType.get(type) ?? []), searches])
  }
  return {
    admits: (resource) => {
      const all = byType.get(String(resource['resourceType'])) ?? []
      return all.every((searches) => searches.some((search) => search.matches(resource)))
    },
  }
}

/**
 * Whether a constraint of a scope can be honoured exactly. Chained ones are not: what they come to
 * depends on resources that the scope says nothing of.
 *
 * @param query - A FHIR search without type and `?`.
 */
export function supportsConstraint(type: string, query: string): boolean {
  if (!isResourceType(type)) return false
  try {
    return !compileSearch(type, query).isChained
  } catch {
    return false
  }
}
