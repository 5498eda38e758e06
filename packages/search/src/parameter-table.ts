import { isResourceType, type ResourceType } from '@flatfhir/protocol'
import { parseElementPath } from './element-path.ts'
import { SEARCH_PARAMETERS } from './generated/search-parameters.ts'
import type { SearchParameterRow, SearchParameterType } from './search-parameter-row.ts'
import { DATE_ELEMENT_TYPES } from './values/date.ts'
import { NUMBER_ELEMENT_TYPES, QUANTITY_ELEMENT_TYPES } from './values/quantity.ts'
import { REFERENCE_ELEMENT_TYPES } from './values/reference.ts'
import { STRING_ELEMENT_TYPES } from './values/string.ts'
import { TOKEN_ELEMENT_TYPES } from './values/token.ts'
import { URI_ELEMENT_TYPES } from './values/uri.ts'

const DEFINITION_BASE = 'http://hl7.org/fhir/SearchParameter/'
const ALL_TYPES = 'Resource'

/** These want to sound alike, which a plain comparison of texts does not do. */
const NOT_COMPARABLE: ReadonlySet<string> = new Set(['phonetic'])

const ELEMENT_TYPES: Readonly<Record<SearchParameterType, ReadonlySet<string>>> = {
  composite: new Set(),
  date: DATE_ELEMENT_TYPES,
  number: NUMBER_ELEMENT_TYPES,
  quantity: QUANTITY_ELEMENT_TYPES,
  reference: REFERENCE_ELEMENT_TYPES,
  special: new Set(),
  string: STRING_ELEMENT_TYPES,
  token: TOKEN_ELEMENT_TYPES,
  uri: URI_ELEMENT_TYPES,
}

/** One search parameter that works, as a CapabilityStatement lists it (`rest.resource.searchParam`). */
export interface SupportedSearchParameter {
  /** As it is written in a search: `birthdate`. */
  readonly name: string
  readonly type: SearchParameterType
  /** Canonical URL of its SearchParameter resource. */
  readonly definition: string
}

/** The row of a parameter of a type that searches can be made with, if it has one. */
export function findParameter(type: ResourceType, name: string): SearchParameterRow | undefined {
  const row = rowIn(type, name) ?? rowIn(ALL_TYPES, name)
  return row !== undefined && isSearchable(name, row) ? row : undefined
}

/**
 * Every search parameter that works for a type, sorted by name: what the CapabilityStatement may
 * list, no more and no less.
 *
 * @see {@link https://hl7.org/fhir/R4/capabilitystatement.html | FHIR R4: CapabilityStatement}
 */
export function supportedSearchParameters(type: ResourceType): readonly SupportedSearchParameter[] {
  const rows = { ...SEARCH_PARAMETERS[ALL_TYPES], ...rowsOf(type) }
  return Object.entries(rows)
    .filter(([name, row]) => isSearchable(name, row))
    .map(([name, row]) => ({
      name,
      type: row.type,
      definition: DEFINITION_BASE + row.definition,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

function rowIn(type: string, name: string): SearchParameterRow | undefined {
  const rows = rowsOf(type)
  // Names come from requests: `constructor` is not a search parameter.
  return Object.hasOwn(rows, name) ? rows[name] : undefined
}

function rowsOf(type: string): Readonly<Record<string, SearchParameterRow>> {
  if (type !== ALL_TYPES && !isResourceType(type)) return {}
  return SEARCH_PARAMETERS[type] ?? {}
}

function isSearchable(name: string, row: SearchParameterRow): boolean {
  if (NOT_COMPARABLE.has(name)) return false
  if (row.result !== undefined) return ELEMENT_TYPES[row.type].has(row.result)
  if (row.components === undefined) return hasElement(row.type, row.paths ?? [])
  const { components, bases = [] } = row
  return bases.some((base) =>
    components.every(({ type }, index) => hasElement(type, base.components[index] ?? [])),
  )
}

function hasElement(type: SearchParameterType, paths: readonly string[]): boolean {
  return paths.some((path) => ELEMENT_TYPES[type].has(parseElementPath(path).type))
}
