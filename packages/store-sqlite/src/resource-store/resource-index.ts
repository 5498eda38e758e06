import {
  parseDateTimeRange,
  parseReference,
  PATIENT_COMPARTMENT,
  ResourceInvalidError,
  stampTemplate,
  SUPPORTING_TYPES,
  type ResourceText,
  type ResourceType,
  type StampTemplate,
} from '@flatfhir/protocol'
import { typeCode } from './keys.ts'
import { memberFilterOf, type MemberFilter } from './member-filter.ts'
import { searchTerms, type SearchTerms } from './search-terms.ts'

/** A resource that another one refers to. */
export interface Target {
  readonly code: number
  readonly id: string
}

/** A member of a Group, as its roster says it. */
export interface RosterMember extends Target {
  readonly inactive: boolean
  /** Epoch milliseconds, inclusive. */
  readonly startsAt: number
  /** Epoch milliseconds, exclusive. */
  readonly endsAt: number
}

/** Everything that a store keeps of a resource. Structured-cloneable. */
export interface IndexedResource {
  readonly code: number
  readonly id: string
  /** The text, with the place for the stamp left open. */
  readonly template: StampTemplate
  /** Ids of the patients in whose compartment the resource is. */
  readonly patients: readonly string[]
  /** Resources of supporting types that it refers to. */
  readonly supports: readonly Target[]
  /** `Provenance.target`; empty for every other type. */
  readonly provenanceTargets: readonly Target[]
  /** Set for Groups. */
  readonly members: readonly RosterMember[] | undefined
  /** Set for Groups whose members are selected by searches. */
  readonly memberFilter?: MemberFilter | undefined
  /** Set for the types that can be searched. */
  readonly terms: SearchTerms | undefined
}

const PATIENT = typeCode('Patient')
const FOREVER = Number.MAX_SAFE_INTEGER
/** FHIR nests a dozen levels; a text nested deeper than this wants to exhaust the stack. */
const MAX_DEPTH = 200

/**
 * Reads out of a resource what the store finds it by.
 *
 * @throws `ResourceInvalidError` when the text is nested absurdly, or has an element twice.
 */
export function indexResource(
  text: ResourceText,
  id: string,
  { hasMembersElsewhere = false }: { readonly hasMembersElsewhere?: boolean } = {},
): IndexedResource {
  const supports = new Map<string, Target>()
  collectSupports(text.resource, supports, 0)
  return {
    code: typeCode(text.type),
    id,
    template: stampTemplate(text, id),
    patients: compartmentsOf(text, id),
    supports: [...supports.values()],
    provenanceTargets: text.type === 'Provenance' ? provenanceTargets(text.resource) : [],
    ...(text.type === 'Group'
      ? groupIndex(text.resource, hasMembersElsewhere)
      : { members: undefined }),
    terms: searchTerms(text.type, text.resource),
  }
}

/**
 * Patients in whose compartment the resource is, by R4's CompartmentDefinition, but for two things.
 * A Patient is in its own compartment only: `Patient.link` would put other people's records into a
 * Group's export. A Group is in nobody's: its roster names people outside the cohort.
 */
function compartmentsOf({ type, resource }: ResourceText, id: string): readonly string[] {
  if (type === 'Patient') return [id]
  if (type === 'Group') return []
  const patients = new Set<string>()
  for (const path of PATIENT_COMPARTMENT[type] ?? []) collectPatients(resource, path, patients)
  return [...patients]
}

function collectPatients(value: unknown, path: readonly string[], found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const element of value) collectPatients(element, path, found)
    return
  }
  const [step, ...rest] = path
  if (step !== undefined) {
    if (isObject(value)) collectPatients(value[step], rest, found)
    return
  }
  const target = referenceOf(value)
  if (target?.type === 'Patient') found.add(target.id)
}

function collectSupports(value: unknown, found: Map<string, Target>, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > MAX_DEPTH) {
    throw new ResourceInvalidError('too-deep', `the text is nested more than ${MAX_DEPTH} levels`)
  }
  if (Array.isArray(value)) {
    for (const element of value) collectSupports(element, found, depth + 1)
    return
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object') collectSupports(member, found, depth + 1)
    else if (key === 'reference' && typeof member === 'string') addSupport(member, found)
  }
}

function addSupport(reference: string, found: Map<string, Target>): void {
  const target = parseReference(reference)
  if (target === undefined || !SUPPORTING_TYPES.has(target.type)) return
  found.set(`${target.type}/${target.id}`, { code: typeCode(target.type), id: target.id })
}

function provenanceTargets(resource: Readonly<Record<string, unknown>>): readonly Target[] {
  const targets = new Map<string, Target>()
  for (const element of arrayOf(resource['target'])) {
    const target = referenceOf(element)
    if (target === undefined) continue
    targets.set(`${target.type}/${target.id}`, { code: typeCode(target.type), id: target.id })
  }
  return [...targets.values()]
}

function groupIndex(
  resource: Readonly<Record<string, unknown>>,
  hasMembersElsewhere: boolean,
): Pick<IndexedResource, 'members' | 'memberFilter'> {
  const elements = arrayOf(resource['member'])
  return {
    members: rosterMembers(elements),
    memberFilter: memberFilterOf(resource, hasMembersElsewhere || elements.length > 0),
  }
}

/**
 * The members that a roster's elements name, each once.
 *
 * @param firstIndex - Of the first element in `Group.member`, for messages.
 * @throws `ResourceInvalidError` for an element that is not a member.
 */
export function rosterMembers(
  elements: readonly unknown[],
  firstIndex = 0,
): readonly RosterMember[] {
  const members = new Map<string, RosterMember>()
  elements.forEach((element, offset) => {
    const member = rosterMember(element, firstIndex + offset)
    if (member !== undefined) members.set(JSON.stringify(Object.values(member)), member)
  })
  return [...members.values()]
}

/** Only patients and Groups can bring patients into a cohort; other members are passed over. */
function rosterMember(element: unknown, index: number): RosterMember | undefined {
  if (!isObject(element)) throw invalidMember(index, 'is not a JSON object')
  const target = referenceOf(element['entity'])
  if (target?.type !== 'Patient' && target?.type !== 'Group') return undefined
  const { inactive } = element
  if (inactive !== undefined && typeof inactive !== 'boolean') {
    throw invalidMember(index, 'has an "inactive" that is not a boolean')
  }
  return {
    code: target.type === 'Patient' ? PATIENT : typeCode('Group'),
    id: target.id,
    inactive: inactive ?? false,
    ...memberPeriod(element['period'], index),
  }
}

function memberPeriod(period: unknown, index: number): { startsAt: number; endsAt: number } {
  if (period === undefined) return { startsAt: -FOREVER, endsAt: FOREVER }
  if (!isObject(period)) throw invalidMember(index, 'has a "period" that is not a JSON object')
  return {
    startsAt: periodBound(period['start'], index)?.start.getTime() ?? -FOREVER,
    endsAt: periodBound(period['end'], index)?.end.getTime() ?? FOREVER,
  }
}

function periodBound(value: unknown, index: number): { start: Date; end: Date } | undefined {
  if (value === undefined) return undefined
  const range = typeof value === 'string' ? parseDateTimeRange(value) : undefined
  if (range === undefined) throw invalidMember(index, 'has a "period" with an impossible date')
  return range
}

function invalidMember(index: number, fault: string): ResourceInvalidError {
  return new ResourceInvalidError('invalid-group-member', `Group.member[${index}] ${fault}`)
}

function referenceOf(value: unknown): { type: ResourceType; id: string } | undefined {
  if (!isObject(value)) return undefined
  const { reference } = value
  return typeof reference === 'string' ? parseReference(reference) : undefined
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
