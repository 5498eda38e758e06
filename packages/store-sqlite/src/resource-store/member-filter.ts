import { ResourceInvalidError, type ResourceType } from '@flatfhir/protocol'
import {
  compileSearch,
  isInPatientCompartment,
  parseTypeFilter,
  SearchInvalidError,
  SearchUnsupportedError,
} from '@flatfhir/search'

/** The searches that select the members of a Group. */
export interface MemberFilter {
  /** All of them have to be met; each by some resource of the patient. Never empty. */
  readonly searches: readonly MemberSearch[]
  /** They select from all patients, not from the Group's `member`. */
  readonly ofEverybody: boolean
}

/** A search over Patient, or over a type of its compartment; `query` stands after the `?`. */
export interface MemberSearch {
  readonly type: ResourceType
  readonly query: string
}

const BASE = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition'
/** Of the modifier extension that selects members. */
const MEMBER_FILTER_URL = `${BASE}/member-filter`
const MEMBERS_REFRESHED_URL = `${BASE}/members-refreshed`
const LANGUAGE = 'application/x-fhir-query'
const MAX_SEARCHES = 32

/**
 * Reads what selects the members of a Group, and checks that the Group keeps to the Bulk Cohort
 * profile: whoever stores it promises to export just those patients.
 *
 * @param hasMembers - Whether `Group.member` has elements.
 * @returns `undefined` for a Group without member filters.
 * @throws `ResourceInvalidError` that says what is not supported.
 * @see {@link https://build.fhir.org/ig/HL7/bulk-data/group.html | Bulk Data: Bulk Cohort API}
 */
export function memberFilterOf(
  group: Readonly<Record<string, unknown>>,
  hasMembers: boolean,
): MemberFilter | undefined {
  const extensions = objectsOf(group['modifierExtension'])
  const searches = extensions.flatMap((extension, index) =>
    extension['url'] === MEMBER_FILTER_URL ? [memberSearch(extension, index)] : [],
  )
  if (searches.length === 0) return undefined
  if (searches.length > MAX_SEARCHES) {
    throw invalid(`Group.modifierExtension has more than ${MAX_SEARCHES} member filters`)
  }
  requireProfile(group, hasMembers)
  // An empty roster is one that lost its last member, and must never come to mean everybody.
  return { searches, ofEverybody: !hasMembers && group['member'] === undefined }
}

/** How a member filter is kept in the database. */
export function encodeSearches(searches: readonly MemberSearch[]): string {
  return JSON.stringify(searches.map(({ type, query }) => [type, query]))
}

/** Reads back what {@link encodeSearches} wrote. */
export function decodeSearches(text: string): readonly MemberSearch[] {
  return (JSON.parse(text) as [ResourceType, string][]).map(([type, query]) => ({ type, query }))
}

function memberSearch(
  { valueExpression }: Readonly<Record<string, unknown>>,
  index: number,
): MemberSearch {
  const place = `Group.modifierExtension[${index}]`
  const { language, expression } = isObject(valueExpression) ? valueExpression : {}
  if (language !== LANGUAGE || typeof expression !== 'string') {
    throw invalid(`${place} has no valueExpression with an expression in ${LANGUAGE}`)
  }
  try {
    const { type, query } = parseTypeFilter(expression)
    if (!isInPatientCompartment(type)) {
      throw invalid(`${place} searches a type that is not in the Patient compartment`)
    }
    // Chains are followed when the members are worked out; here it is only asked whether they can be.
    compileSearch(type, query, { resolve: () => undefined })
    return { type, query }
  } catch (error) {
    const isFault = error instanceof SearchInvalidError || error instanceof SearchUnsupportedError
    throw isFault ? invalid(`${place}: ${error.message}`) : error
  }
}

/** @see {@link https://build.fhir.org/ig/HL7/bulk-data/StructureDefinition-bulk-cohort-group.html | Bulk Cohort profile} */
function requireProfile(group: Readonly<Record<string, unknown>>, hasMembers: boolean): void {
  if (group['type'] !== 'person') {
    throw invalid('Group.type has to be "person" where the Group has a member filter')
  }
  if (typeof group['name'] !== 'string' || group['name'].trim() === '') {
    throw invalid('Group.name is required where the Group has a member filter')
  }
  if (group['characteristic'] !== undefined) {
    throw invalid('Group.characteristic cannot be used together with a member filter')
  }
  // R4's grp-1. Without members the profile wants false; true is taken, too.
  if (typeof group['actual'] !== 'boolean' || (hasMembers && !group['actual'])) {
    throw invalid('Group.actual has to be there, and true with members')
  }
  if (objectsOf(group['extension']).some(({ url }) => url === MEMBERS_REFRESHED_URL)) {
    throw invalid(
      'Group.extension has members-refreshed, but the members of this Group are worked out anew for every export',
    )
  }
}

function invalid(message: string): ResourceInvalidError {
  return new ResourceInvalidError('invalid-group-member', message)
}

function objectsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
