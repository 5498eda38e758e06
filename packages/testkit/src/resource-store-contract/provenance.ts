import type { ExportQuery, ResourceStore } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { readExport } from './exported.ts'
import { group, observation, patient, put, ref, remove, resource, type Fhir } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

const LEVELS = [
  { level: 'system' },
  { level: 'patient' },
  { level: 'group', groupId: 'g' },
] as const satisfies readonly ExportQuery[]

/** Which Provenance goes with the resources of an export (`includeAssociatedData`). */
export function provenanceTests(openStore: OpenStore): void {
  describe.each(LEVELS)('Provenance of an export at level $level', (level) => {
    test('is all that is about the resources, or the latest of each, whenever written', async () => {
      const { store } = await openStore()
      await fill(store)

      const relevant = await provenanceOf(store, { ...level, provenance: 'relevant' })
      const latest = await provenanceOf(store, { ...level, provenance: 'latest' })

      expect(relevant).toEqual(['both', 'first', 'no-date', 'of-practitioner', 'second'])
      // `both` is the latest about o2; `second` is the latest about o1, by an instant in another zone.
      expect(latest).toEqual(['both', 'of-practitioner', 'second'])
    })

    test('is about the types that were asked for', async () => {
      const { store } = await openStore()
      await fill(store)

      const types = ['Practitioner', 'Patient', 'Provenance'] as const
      const found = await provenanceOf(store, { ...level, types, provenance: 'relevant' })

      expect(found).toEqual(['of-practitioner'])
    })

    test('with _since is about what changed, though it did not change itself', async () => {
      const { store } = await openStore()
      await fill(store)
      const { transactionTime } = await store.takeSnapshot()
      await put(store, observation('o2', 'p', { status: 'amended' }))

      const sinceMs = transactionTime.getTime()
      const found = await provenanceOf(store, { ...level, sinceMs, provenance: 'relevant' })

      expect(found).toEqual(['both', 'no-date'])
    })

    test('is none of what is deleted, and none that is deleted or is about something else now', async () => {
      const { store } = await openStore()
      await fill(store)
      await remove(store, 'Provenance/no-date', 'Practitioner/dr', 'Observation/o1')
      await put(store, provenance('both', '2024-03-01T00:00:00Z', ['Observation/other']))

      const found = await provenanceOf(store, { ...level, provenance: 'relevant' })

      expect(found).toEqual([])
    })
  })
}

async function fill(store: ResourceStore): Promise<void> {
  await put(store, resource('Practitioner/dr'), patient('p'), group('g', ['Patient/p']))
  const performer = [ref('Practitioner/dr')]
  await put(store, observation('o1', 'p', { performer }), observation('o2', 'p'))
  await put(
    store,
    provenance('second', '2024-02-01T01:00:00+02:00', ['Observation/o1']),
    provenance('first', '2024-01-31T22:30:00Z', ['Observation/o1']),
    provenance('both', '2024-01-15T00:00:00Z', ['Observation/o1', 'Observation/o2']),
    provenance('no-date', undefined, ['Observation/o2']),
    provenance('of-practitioner', '2024-01-01T00:00:00Z', ['Practitioner/dr']),
    provenance('of-nothing', '2024-01-01T00:00:00Z', ['Observation/never']),
  )
}

function provenance(id: string, recorded: string | undefined, targets: readonly string[]): Fhir {
  const target = targets.map(ref)
  return resource(`Provenance/${id}`, { target, ...(recorded !== undefined && { recorded }) })
}

async function provenanceOf(store: ResourceStore, query: ExportQuery): Promise<readonly string[]> {
  const { lines } = await readExport(store, query)
  return lines
    .map(({ name }) => name)
    .filter((name) => name.startsWith('Provenance/'))
    .map((name) => name.slice('Provenance/'.length))
    .toSorted()
}
