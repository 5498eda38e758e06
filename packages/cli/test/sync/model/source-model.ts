/** A resource as an object. */
export interface Fhir extends Readonly<Record<string, unknown>> {
  readonly resourceType: string
  readonly id: string
}

/** `Type/id`. */
export type Name = string

/** Types that come along because resources of a cohort refer to them. */
const SUPPORTING: ReadonlySet<string> = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
])

/**
 * What a source holds, kept beside it in the plainest way: which resources there are, word for word,
 * and who is in which cohort.
 */
export class SourceModel {
  readonly #texts = new Map<Name, string>()
  /** Records that were given to another patient at some time. */
  readonly moved: Set<Name> = new Set<Name>()

  /** @param text - As the source stores it, with the `meta` that it set. */
  put(name: Name, text: string): void {
    const before = this.#texts.get(name)
    const isMoved =
      before !== undefined && patientsOf(parse(before)).join() !== patientsOf(parse(text)).join()
    if (isMoved) this.moved.add(name)
    this.#texts.set(name, text)
  }

  delete(name: Name): void {
    this.#texts.delete(name)
  }

  has(name: Name): boolean {
    return this.#texts.has(name)
  }

  text(name: Name): string | undefined {
    return this.#texts.get(name)
  }

  /** Patients of a cohort; those of the level `system` have no roster. */
  members(cohort: string): ReadonlySet<string> {
    const patients = new Set(this.#ids('Patient'))
    if (!cohort.startsWith('group/')) return patients
    const group = this.#texts.get(`Group/${cohort.slice('group/'.length)}`)
    if (group === undefined) return new Set()
    const { member = [] } = parse(group) as unknown as GroupMembers
    return new Set(
      member
        .filter(({ inactive }) => inactive !== true)
        .map(({ entity }) => entity.reference.replace('Patient/', ''))
        .filter((id) => patients.has(id)),
    )
  }

  /** What an export of a cohort holds, by name and text. */
  cohort(cohort: string): ReadonlyMap<Name, string> {
    if (cohort === 'system') return new Map(this.#texts)
    const members = this.members(cohort)
    const names = [...this.#texts.keys()].filter((name) => {
      const resource = this.#resource(name)
      if (resource === undefined) return false
      if (cohort === 'patient' && resource.resourceType === 'Group') {
        return referencesOf(resource).length > 0
      }
      return patientsOf(resource).some((id) => members.has(id))
    })
    return this.#withCompany(new Set(names))
  }

  /** Adds Provenance, and what is referred to outside of the compartments. */
  #withCompany(names: Set<Name>): ReadonlyMap<Name, string> {
    for (const name of this.#texts.keys()) {
      const provenance = name.startsWith('Provenance/') ? this.#resource(name) : undefined
      if (provenance && referencesOf(provenance['target']).some((target) => names.has(target))) {
        names.add(name)
      }
    }
    // A Set hands out what is added while it is walked through.
    for (const name of names) {
      for (const reference of referencesOf(this.#resource(name))) {
        const [type = ''] = reference.split('/')
        if (SUPPORTING.has(type) && this.#texts.has(reference)) names.add(reference)
      }
    }
    return new Map([...names].map((name) => [name, this.#texts.get(name) ?? '']))
  }

  #resource(name: Name): Fhir | undefined {
    const text = this.#texts.get(name)
    return text === undefined ? undefined : parse(text)
  }

  #ids(type: string): readonly string[] {
    return [...this.#texts.keys()]
      .filter((name) => name.startsWith(`${type}/`))
      .map((name) => name.slice(type.length + 1))
  }
}

interface GroupMembers {
  readonly member?: readonly {
    readonly entity: { readonly reference: string }
    readonly inactive?: boolean
  }[]
}

/** A resource of its text. */
export function parse(text: string): Fhir {
  return JSON.parse(text) as Fhir
}

/** Patients in whose compartments a resource of the tests is. */
export function patientsOf(resource: Fhir): readonly string[] {
  if (resource.resourceType === 'Patient') return [resource.id]
  if (resource.resourceType !== 'Observation') return []
  return referencesOf([resource['subject'], resource['performer']])
    .filter((reference) => reference.startsWith('Patient/'))
    .map((reference) => reference.slice('Patient/'.length))
}

/** All references in a value, however deep. */
export function referencesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(referencesOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'reference' && typeof inner === 'string' ? [inner] : referencesOf(inner),
  )
}

/** Patients, and everybody whom one of them replaced by `Patient.link`, through any number of steps. */
export function withReplaced(
  patients: ReadonlySet<string>,
  merges: readonly (readonly [patient: string, replacedBy: string])[],
): ReadonlySet<string> {
  const all = new Set(patients)
  for (const id of all) {
    for (const [patient, replacedBy] of merges) if (replacedBy === id) all.add(patient)
  }
  return all
}

/** Who was replaced by whom, as a Patient says. */
export function mergesOf(patient: Fhir): readonly (readonly [string, string])[] {
  const { link = [] } = patient as unknown as {
    readonly link?: readonly {
      readonly type: string
      readonly other: { readonly reference: string }
    }[]
  }
  return link.flatMap(({ type, other }) => {
    const id = other.reference.replace('Patient/', '')
    if (id === patient.id) return []
    if (type === 'replaced-by') return [[patient.id, id] as const]
    return type === 'replaces' ? [[id, patient.id] as const] : []
  })
}
