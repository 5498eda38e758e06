import { isResourceType, PATIENT_COMPARTMENT, type ResourceType } from '@flatfhir/protocol'
import type { CompiledSearch } from './compile-search.ts'
import { parseElementPath, valuesAt } from './element-path.ts'
import type { JsonObject } from './json.ts'
import { localTarget } from './reference-target.ts'

/** How patients are found in a resource. */
export interface CompartmentOptions {
  /** Base URL of this server: absolute references that begin with it count as its own. */
  readonly baseUrl?: string
}

/**
 * Where the references stand that put a resource into a patient's compartment. A Patient is in its
 * own compartment only, and a Group, whose roster names many, is in nobody's.
 */
const PATHS = new Map(
  Object.entries(PATIENT_COMPARTMENT)
    .filter(([type]) => type !== 'Patient' && type !== 'Group')
    .map(([type, paths]) => [type, paths.map((steps) => parseElementPath(steps.join('.')))]),
)

/** Whether resources of a type can be in a patient's compartment; Patient itself is one of them. */
export function isInPatientCompartment(type: ResourceType): boolean {
  return type === 'Patient' || PATHS.has(type)
}

/**
 * The ids of the patients to whose compartments a parsed resource belongs, each once.
 *
 * @see {@link https://hl7.org/fhir/R4/compartmentdefinition-patient.html | FHIR R4: Patient compartment}
 */
export function patientsOf(
  resource: JsonObject,
  { baseUrl }: CompartmentOptions = {},
): readonly string[] {
  const { resourceType, id } = resource
  if (typeof resourceType !== 'string' || !isResourceType(resourceType)) return []
  if (resourceType === 'Patient') return typeof id === 'string' ? [id] : []
  const base = baseUrl === undefined || baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  const patients = new Set<string>()
  for (const path of PATHS.get(resourceType) ?? []) {
    for (const reference of valuesAt(path, resource)) {
      const target = localTarget(reference, base)
      if (target?.type === 'Patient') patients.add(target.id)
    }
  }
  return [...patients]
}

/**
 * The patients for whom a resource meets a search over the Patient and its compartment, as a Group's
 * `member-filter` asks: none when the search does not match.
 */
export function patientsMatching(
  search: CompiledSearch,
  resource: JsonObject,
  options: CompartmentOptions = {},
): readonly string[] {
  return search.matches(resource) ? patientsOf(resource, options) : []
}
