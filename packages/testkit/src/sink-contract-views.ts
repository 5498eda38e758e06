import type { LandedType } from '@flatfhir/client'
import type { LandedRow, SinkPlace } from './sink-contract-fixture.ts'

/** The landed rows, by type and id. */
export async function rowsById(place: SinkPlace): Promise<readonly LandedRow[]> {
  const key = ({ source, type, id }: LandedRow): string => `${source} ${type}/${id}`
  return (await place.rows()).toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** `Type/id` of the landed rows, sorted. */
export async function landedNames(place: SinkPlace): Promise<readonly string[]> {
  return (await rowsById(place)).map(({ type, id }) => `${type}/${id}`)
}

/** What happens to one type. */
export function typeNamed(types: readonly LandedType[], name: string): LandedType | undefined {
  return types.find(({ type }) => type === name)
}
