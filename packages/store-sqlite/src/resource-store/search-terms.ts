import type { ResourceType } from '@flatfhir/protocol'

/** What a resource is found by in a search. */
export interface SearchTerms {
  readonly identifiers: readonly { readonly system: string; readonly value: string }[]
  /** Folded by {@link foldName}. */
  readonly names: readonly string[]
}

/** The search terms of a resource; `undefined` for types that cannot be searched. */
export function searchTerms(
  type: ResourceType,
  resource: Readonly<Record<string, unknown>>,
): SearchTerms | undefined {
  if (type !== 'Patient' && type !== 'Group') return undefined
  return {
    identifiers: objectsOf(resource['identifier']).map((identifier) => ({
      system: textOf(identifier['system']),
      value: textOf(identifier['value']),
    })),
    names: type === 'Patient' ? patientNames(resource) : groupNames(resource),
  }
}

/** Upper and lower case, and letters with and without accents, are the same to a search. */
export function foldName(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim()
}

function patientNames(resource: Readonly<Record<string, unknown>>): string[] {
  const parts = objectsOf(resource['name']).flatMap(({ family, given, text, prefix, suffix }) => [
    family,
    text,
    ...[given, prefix, suffix].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : [])),
  ])
  return [...new Set(parts.map(textOf).map(foldName))].filter((term) => term !== '')
}

function groupNames(resource: Readonly<Record<string, unknown>>): string[] {
  const term = foldName(textOf(resource['name']))
  return term === '' ? [] : [term]
}

function objectsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (element): element is Record<string, unknown> =>
      typeof element === 'object' && element !== null && !Array.isArray(element),
  )
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
