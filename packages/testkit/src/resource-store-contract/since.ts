import { describe, expect, test } from 'vitest'
import { readExport, type Exported } from './exported.ts'
import { namesIn } from './groups.ts'
import { group, observation, patient, put, ref, remove, resource, type Fhir } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

const QUERY = { level: 'group', groupId: 'g' } as const

/** What `_since` takes and what it must not take away; and the Patient level. */
export function sinceTests(openStore: OpenStore): void {
  /** Writes, takes a snapshot, changes, and exports what changed. */
  async function exportAfter(
    before: readonly Fhir[],
    change: { readonly put?: readonly Fhir[]; readonly remove?: readonly string[] },
    query: Parameters<typeof readExport>[1] = QUERY,
  ): Promise<Exported> {
    const { store } = await openStore()
    await put(store, ...before)
    const { transactionTime } = await store.takeSnapshot()
    await put(store, ...(change.put ?? []))
    await remove(store, ...(change.remove ?? []))
    return await readExport(store, { ...query, sinceMs: transactionTime.getTime() })
  }

  describe('a Group export with _since', () => {
    const org = resource('Organization/a')
    const doctor = resource('Practitioner/d')
    const byDoctor = { performer: [ref('Practitioner/d')] }

    test('holds a changed record of a Patient and a Group that did not change', async () => {
      const exported = await exportAfter(
        [patient('p'), group('g', ['Patient/p']), observation('a', 'p'), observation('b', 'p')],
        { put: [observation('b', 'p', { n: 2 })] },
      )

      expect(namesIn(exported)).toEqual(['Observation/b'])
    })

    test('holds the whole history of who joined, with what it refers to', async () => {
      const exported = await exportAfter(
        [
          patient('p', { managingOrganization: ref('Organization/a') }),
          patient('q'),
          org,
          doctor,
          group('g', ['Patient/p']),
          observation('old', 'q', byDoctor),
          observation('of-p', 'p'),
        ],
        { put: [group('g', ['Patient/p', 'Patient/q'])] },
      )

      expect(namesIn(exported)).toEqual(['Observation/old', 'Patient/q', 'Practitioner/d'])
    })

    test('holds a record of a member and of one who joined, once', async () => {
      const exported = await exportAfter(
        [
          patient('p'),
          patient('q'),
          group('g', ['Patient/p']),
          observation('both', 'p', { performer: [ref('Patient/q')] }),
          observation('changed', 'q', { performer: [ref('Patient/p')] }),
        ],
        {
          put: [
            group('g', ['Patient/p', 'Patient/q']),
            observation('changed', 'q', { performer: [ref('Patient/p')], n: 2 }),
          ],
        },
      )

      expect(namesIn(exported)).toEqual(['Observation/both', 'Observation/changed', 'Patient/q'])
    })

    test('holds the records of a member whose Patient was written after them', async () => {
      const exported = await exportAfter([group('g', ['Patient/p']), observation('early', 'p')], {
        put: [patient('p')],
      })

      expect(namesIn(exported)).toEqual(['Observation/early', 'Patient/p'])
    })

    test('holds members who joined through a nested Group, or by becoming active', async () => {
      const exported = await exportAfter(
        [
          patient('p'),
          patient('q'),
          group('g', ['Group/h', { entity: ref('Patient/q'), inactive: true }]),
          group('h', []),
        ],
        { put: [group('h', ['Patient/p']), group('g', ['Group/h', 'Patient/q'])] },
      )

      expect(namesIn(exported)).toEqual(['Patient/p', 'Patient/q'])
    })

    test('holds nothing of who left', async () => {
      const exported = await exportAfter(
        [patient('p'), patient('q'), group('g', ['Patient/p', 'Patient/q'])],
        { put: [group('g', ['Patient/p']), observation('o', 'q'), patient('q', { n: 2 })] },
      )

      expect(namesIn(exported)).toEqual([])
    })

    test('tells what was deleted: records, patients, what they referred to', async () => {
      const exported = await exportAfter(
        [
          patient('p', { managingOrganization: ref('Organization/a') }),
          patient('q'),
          patient('r'),
          org,
          doctor,
          resource('Practitioner/of-r'),
          group('g', ['Patient/p', 'Patient/q']),
          observation('o', 'p', byDoctor),
          observation('kept', 'p'),
          observation('of-r', 'r', { performer: [ref('Practitioner/of-r')] }),
        ],
        {
          remove: [
            'Observation/o',
            'Patient/q',
            'Practitioner/d',
            'Observation/of-r',
            'Practitioner/of-r',
            'Organization/a',
          ],
        },
      )

      expect(exported.lines).toEqual([])
      expect(exported.deleted.toSorted()).toEqual([
        'Observation/o',
        'Organization/a',
        'Patient/q',
        'Practitioner/d',
      ])
    })

    test('tells what was deleted of who left, also where nobody is left', async () => {
      const exported = await exportAfter(
        [patient('p'), patient('q'), group('g', ['Patient/p', 'Patient/q']), observation('o', 'p')],
        { put: [group('g', [])], remove: ['Observation/o', 'Patient/q'] },
      )

      expect(exported.lines).toEqual([])
      expect(exported.deleted.toSorted()).toEqual(['Observation/o', 'Patient/q'])
    })

    test('tells a record that became somebody else’s and was then deleted', async () => {
      const exported = await exportAfter(
        [patient('p'), patient('q'), group('g', ['Patient/p']), observation('o', 'p')],
        { put: [observation('o', 'q')], remove: ['Observation/o'] },
      )

      expect(exported.deleted).toEqual(['Observation/o'])
    })

    test('tells only deletes of the types that were asked for, and none twice', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), group('g', ['Patient/p']), observation('o', 'p'))
      await put(store, resource('Condition/c', { subject: ref('Patient/p') }))
      const first = await store.takeSnapshot()
      await remove(store, 'Observation/o', 'Condition/c')
      const second = await store.takeSnapshot()
      const deltaSince = ({ transactionTime }: { transactionTime: Date }): Promise<Exported> =>
        readExport(store, { ...QUERY, types: ['Observation'], sinceMs: transactionTime.getTime() })

      expect((await deltaSince(first)).deleted).toEqual(['Observation/o'])
      expect((await deltaSince(second)).deleted).toEqual([])
    })

    test('tells a resource that was deleted and is there again as there', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), group('g', ['Patient/p']), observation('o', 'p'))
      const { transactionTime } = await store.takeSnapshot()
      await remove(store, 'Observation/o')
      await put(store, observation('o', 'p'))

      const exported = await readExport(store, { ...QUERY, sinceMs: transactionTime.getTime() })

      expect(namesIn(exported)).toEqual(['Observation/o'])
      expect(exported.deleted).toEqual([])
    })
  })

  describe('a Patient export', () => {
    const query = { level: 'patient' } as const

    test('leaves out records whose Patient is missing or deleted, and takes Groups in', async () => {
      const { store } = await openStore()
      await put(
        store,
        patient('p'),
        patient('gone'),
        observation('o', 'p'),
        observation('of-gone', 'gone', { performer: [ref('Practitioner/d')] }),
        observation('of-nobody', 'nobody'),
        observation('shared', 'gone', { performer: [ref('Patient/p')] }),
        resource('Practitioner/d'),
        resource('Organization/unused'),
        group('g', ['Patient/p']),
      )
      await remove(store, 'Patient/gone')

      const exported = await readExport(store, query)

      expect(namesIn(exported)).toEqual([
        'Group/g',
        'Observation/o',
        'Observation/shared',
        'Patient/p',
      ])
    })

    test('with _since holds records that were written before their Patient', async () => {
      const exported = await exportAfter(
        [
          patient('p'),
          observation('early', 'q', { performer: [ref('Practitioner/d')] }),
          observation('known', 'q', { performer: [ref('Patient/p')] }),
          observation('two', 'q', { performer: [ref('Patient/r')] }),
          resource('Practitioner/d'),
        ],
        { put: [patient('q'), patient('r')] },
        query,
      )

      expect(namesIn(exported)).toEqual([
        'Observation/early',
        'Observation/two',
        'Patient/q',
        'Patient/r',
        'Practitioner/d',
      ])
    })
  })
}
