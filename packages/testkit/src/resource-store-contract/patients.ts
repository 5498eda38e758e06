import type { ExportQuery, ResourceStore } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { openReader, readExport, type Exported } from './exported.ts'
import { group, observation, patient, put, ref, remove, resource, textOf } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

const LEVELS = [
  { level: 'patient' },
  { level: 'group', groupId: 'g' },
] as const satisfies readonly ExportQuery[]

/** Exports that are narrowed to some patients, and reads of single resources as of a snapshot. */
export function patientTests(openStore: OpenStore): void {
  describe.each(LEVELS)('an export at level $level of some patients', (level) => {
    test('holds them, what is in their compartments, and what that refers to', async () => {
      const { store } = await openStore()
      await fill(store)

      const exported = await readExport(store, { ...level, patientIds: ['b', 'a', 'a'] })

      expect([...exported.byName.keys()].toSorted()).toEqual([
        'Observation/oa',
        'Observation/ob',
        'Patient/a',
        'Patient/b',
        'Practitioner/dr-a',
      ])
      expect(exported.lines).toHaveLength(5)
      expect(exported.outcomes).toEqual([])
    })

    test('of nobody, or of people who are not there, holds nothing', async () => {
      const { store } = await openStore()
      await fill(store)
      await remove(store, 'Patient/c')

      const ofNobody = await readExport(store, { ...level, patientIds: [] })
      const ofStrangers = await readExport(store, { ...level, patientIds: ['c', 'nobody'] })

      expect([...ofNobody.byName.keys(), ...ofStrangers.byName.keys()]).toEqual([])
    })

    test('tells what changed of them, and what was deleted, since an instant', async () => {
      const { store } = await openStore()
      await fill(store)
      const { transactionTime } = await store.takeSnapshot()
      await put(store, observation('oa', 'a', { status: 'final' }), observation('new-b', 'b'))
      await put(store, observation('oc', 'c', { status: 'final' }))
      await remove(store, 'Observation/ob')

      const query = { ...level, patientIds: ['a', 'b'], sinceMs: transactionTime.getTime() }
      const exported = await readExport(store, query)

      const names = [...exported.byName.keys()].toSorted()
      expect(names).toEqual(['Observation/new-b', 'Observation/oa'])
      expect(exported.deleted).toEqual(['Observation/ob'])
    })

    test('names those that it is not about', async () => {
      const { store } = await openStore()
      await fill(store)
      await put(store, patient('outsider'))
      await remove(store, 'Patient/c')
      const snapshot = await store.takeSnapshot()
      await put(store, patient('late'))

      const patientIds = ['nobody', 'b', 'late', 'c', 'nobody', 'outsider']
      const missing = await store.missingPatients({ ...level, patientIds }, snapshot)

      const outsiders = level.level === 'group' ? ['outsider'] : []
      expect(missing).toEqual(['c', 'late', 'nobody', ...outsiders])
    })
  })

  describe.each([...LEVELS, { level: 'system' }] as const)(
    'an export at level $level that is organised by patients',
    (level) => {
      test('holds each patient first, then the compartment, then what that refers to', async () => {
        const { store } = await openStore()
        await fill(store)
        const both = { subject: ref('Patient/a'), performer: [ref('Patient/b')] }
        await put(store, resource('Observation/both', both))
        await put(store, resource('Library/nobody'), observation('stray', 'never'))

        const exported = await readExport(store, { ...level, organizedBy: 'Patient' })

        expect(blocksOf(exported)).toEqual([
          'a: Patient/a Observation/both Observation/oa Practitioner/dr-a',
          'b: Patient/b Observation/both Observation/ob',
          'c: Patient/c Observation/oc Practitioner/dr-c',
        ])
      })

      test('holds what changed, and keeps each patient in one piece', async () => {
        const { store } = await openStore()
        await fill(store)
        const { transactionTime } = await store.takeSnapshot()
        await put(store, patient('b', { active: true }), observation('new-b', 'b'))
        await put(store, observation('oc', 'c', { performer: [ref('Practitioner/dr-a')] }))

        const sinceMs = transactionTime.getTime()
        const query = { ...level, organizedBy: 'Patient', sinceMs } as const
        const exported = await readExport(store, query, { maxPartitionBytes: 1 })

        expect(blocksOf(exported)).toEqual(['b: Patient/b Observation/new-b', 'c: Observation/oc'])
        expect(exported.partitions.filter(({ kind }) => kind === 'output')).toHaveLength(3)
      })
    },
  )

  describe('a reader', () => {
    test('finds single resources as of the snapshot', async () => {
      const { store } = await openStore()
      await put(store, patient('p', { active: true }), patient('deleted-later'), patient('gone'))
      await remove(store, 'Patient/gone')
      const snapshot = await store.takeSnapshot()
      await put(store, patient('p', { active: false }), patient('late'))
      await remove(store, 'Patient/deleted-later')
      await using reader = await openReader(store)

      const find = (id: string): unknown => {
        const body = reader.find({ snapshot, type: 'Patient', id })
        return body === undefined ? undefined : JSON.parse(textOf(body))
      }

      expect(find('p')).toMatchObject({ id: 'p', active: true })
      expect(find('deleted-later')).toMatchObject({ id: 'deleted-later' })
      expect([find('gone'), find('late'), find('never')]).toEqual([undefined, undefined, undefined])
    })
  })
}

/** Each block as `patient: names`, names after the first sorted within their type. */
function blocksOf({ lines }: Exported): readonly string[] {
  const blocks = new Map<string, string[]>()
  let last: string | undefined
  for (const { name, patientId = '' } of lines) {
    if (patientId !== last && blocks.has(patientId)) throw new TypeError('A block is in two pieces')
    blocks.set(patientId, [...(blocks.get(patientId) ?? []), name])
    last = patientId
  }
  const byType = (name: string): number => ORDER.indexOf(name.split('/')[0] ?? '')
  return [...blocks]
    .map(([id, names]) => {
      expect(names.map(byType)).toEqual(names.map(byType).toSorted())
      return `${id}: ${names.toSorted((a, b) => byType(a) - byType(b) || a.localeCompare(b)).join(' ')}`
    })
    .toSorted()
}

const ORDER = ['Patient', 'Observation', 'Practitioner']

/** Patients a, b, c with an Observation each, all members of Group g; a's names a Practitioner. */
async function fill(store: ResourceStore): Promise<void> {
  await put(store, resource('Practitioner/dr-a'), resource('Practitioner/dr-c'))
  await put(store, ...['a', 'b', 'c'].map((id) => patient(id)))
  await put(
    store,
    observation('oa', 'a', { performer: [ref('Practitioner/dr-a')] }),
    observation('ob', 'b'),
    observation('oc', 'c', { performer: [ref('Practitioner/dr-c')] }),
  )
  await put(store, group('g', ['Patient/a', 'Patient/b', 'Patient/c']))
}
