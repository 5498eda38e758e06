import {
  generatePopulation,
  POPULATION_TYPES,
  type PopulationOptions,
  type PopulationType,
} from '../src/index.ts'

/** A parsed resource, as tests look at it. */
export interface Parsed {
  readonly type: PopulationType
  readonly id: string
  readonly line: string
  readonly resource: Readonly<Record<string, unknown>>
}

/** Generates a population and parses it, or only the given types of it. */
export function parsePopulation(
  options: PopulationOptions,
  types: readonly PopulationType[] = POPULATION_TYPES,
): readonly Parsed[] {
  const parsed: Parsed[] = []
  for (const { type, line } of generatePopulation(options)) {
    if (!types.includes(type)) continue
    const resource = JSON.parse(line) as Readonly<Record<string, unknown>>
    parsed.push({ type, id: String(resource['id']), line, resource })
  }
  return parsed
}

/** The value at a path of names and indexes; `undefined` where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Readonly<Record<string | number, unknown>>)[step]
  }
  return here
}

/** The text at a path; `''` where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : ''
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** Every `reference` in a resource. */
export function referencesOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/"reference":"([^"]*)"/g), (match) => match[1] ?? '')
}

/** The patient that a resource is about; `undefined` for shared resources and Groups. */
export function patientOf({ type, id, resource }: Parsed): string | undefined {
  if (type === 'Patient') return `Patient/${id}`
  for (const element of ['subject', 'patient', 'beneficiary']) {
    const reference = textAt(resource, element, 'reference')
    if (reference !== '') return reference
  }
  return undefined
}
