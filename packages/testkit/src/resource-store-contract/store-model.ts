import { SUPPORTING_TYPES, type ResourceType } from '@flatfhir/protocol'
import type { ExportQuery, ResourceStore, WriteOperation } from '@flatfhir/server'
import { textOf, type Fhir } from './resources.ts'

/** One resource of the model. */
interface ModelEntry {
  /** The newest content; kept after a delete, as what it was about does not change by that. */
  readonly resource: Fhir
  /** The stored text; `undefined` once it is deleted. */
  readonly text: string | undefined
}

/** The state of a store, kept beside it in the plainest way there is. */
export type ModelState = ReadonlyMap<string, ModelEntry>

/** Carries out writes in the store, and keeps its own account of them. */
export class StoreModel {
  #state = new Map<string, ModelEntry>()

  /** The state now; never changed later. */
  get state(): ModelState {
    return new Map(this.#state)
  }

  async write(store: ResourceStore, operations: readonly WriteOperation[]): Promise<void> {
    const results = await store.write(operations)
    results.forEach((result, index) => {
      const operation = operations[index]
      if ('resource' in result) {
        const { type, id, body } = result.resource
        const text = textOf(body)
        this.#state.set(`${type}/${id}`, { resource: JSON.parse(text) as Fhir, text })
      } else if (result.state === 'deleted') {
        const name = `${result.type}/${result.id}`
        const entry = this.#state.get(name)
        if (entry !== undefined) this.#state.set(name, { ...entry, text: undefined })
      } else if (result.state !== 'absent') {
        throw new TypeError(`The store refused ${operation?.kind ?? ''}: ${JSON.stringify(result)}`)
      }
    })
  }
}

/** `Type/id` and text of everything that an export of the whole state holds. */
export function expectedExport(state: ModelState, query: ExportQuery): Map<string, string> {
  const expected = new Map<string, string>()
  const add = (name: string): void => {
    const text = state.get(name)?.text
    if (text !== undefined) expected.set(name, text)
  }
  if (query.level === 'system') {
    for (const name of state.keys()) add(name)
    return expected
  }
  const cohort = cohortOf(state, query)
  for (const name of state.keys()) {
    if (compartmentsOf(state, name).some((one) => cohort.has(one))) add(name)
    else if (query.level === 'patient' && hasPatientMember(state, name)) add(name)
  }
  for (const name of supportOf(state, cohort)) add(name)
  return expected
}

/** `Patient/id` of the patients of an export who are there. */
export function cohortOf(state: ModelState, query: ExportQuery): ReadonlySet<string> {
  const all =
    query.level === 'group'
      ? membersOf(state, { name: `Group/${query.groupId ?? ''}`, seen: new Set() })
      : [...state.keys()].filter((name) => name.startsWith('Patient/'))
  return new Set(all.filter((name) => isThere(state, name)))
}

/** `Patient/id` of the compartments that a resource is in. */
export function compartmentsOf(
  state: ModelState,
  name: string,
  seen: ReadonlySet<string> = new Set(),
): readonly string[] {
  const resource = state.get(name)?.resource
  if (resource === undefined || seen.has(name)) return []
  if (resource.resourceType === 'Patient') return [name]
  if (resource.resourceType === 'Provenance') {
    const targets = referencesIn(resource['target'])
    return targets.flatMap((target) =>
      target.startsWith('Patient/')
        ? [target]
        : compartmentsOf(state, target, new Set([...seen, name])),
    )
  }
  if (resource.resourceType !== 'Observation') return []
  return [...referencesIn(resource['subject']), ...referencesIn(resource['performer'])].filter(
    (one) => one.startsWith('Patient/'),
  )
}

function membersOf(
  state: ModelState,
  { name, seen }: { name: string; seen: Set<string> },
): readonly string[] {
  if (seen.has(name) || !isThere(state, name)) return []
  seen.add(name)
  const members = (state.get(name)?.resource['member'] ?? []) as readonly {
    entity: { reference: string }
    inactive?: boolean
  }[]
  return members
    .filter(({ inactive }) => inactive !== true)
    .map(({ entity }) => entity.reference)
    .flatMap((one) => (one.startsWith('Group/') ? membersOf(state, { name: one, seen }) : [one]))
}

function hasPatientMember(state: ModelState, name: string): boolean {
  const resource = state.get(name)?.resource
  if (resource?.resourceType !== 'Group') return false
  return referencesIn(resource['member']).some((one) => one.startsWith('Patient/'))
}

function supportOf(state: ModelState, cohort: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>()
  const follow = (name: string): void => {
    const entry = state.get(name)
    if (entry?.text === undefined) return
    for (const target of referencesIn(entry.resource)) {
      if (found.has(target) || !isSupporting(target)) continue
      found.add(target)
      follow(target)
    }
  }
  for (const name of state.keys()) {
    if (compartmentsOf(state, name).some((one) => cohort.has(one))) follow(name)
  }
  return found
}

/** Whether `Type/id` is of a type that exports take along because others refer to it. */
export function isSupporting(name: string): boolean {
  return SUPPORTING_TYPES.has((name.split('/')[0] ?? '') as ResourceType)
}

function isThere(state: ModelState, name: string): boolean {
  return state.get(name)?.text !== undefined
}

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    key === 'reference' && typeof member === 'string' ? [member] : referencesIn(member),
  )
}
