import { describe, expect, test } from 'vitest'
import {
  hour,
  land,
  LandingFolder,
  landingRun,
  type MakeSinkPlace,
  observationText,
  OTHER_COHORT,
  resourceText,
} from './sink-contract-fixture.ts'
import { landedNames, typeNamed } from './sink-contract-views.ts'

const replacedBy = (id: string, by: string): string =>
  resourceText('Patient', id, {
    link: [{ type: 'replaced-by', other: { reference: `Patient/${by}` } }],
  })

/** How landed resources go. To be called within `describe`. */
export function removalContract(makePlace: MakeSinkPlace): void {
  describe('deletions', () => {
    test('removes what the source tells of, unless the run holds it', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const changes = ['a', 'b', 'c'].map((id) => observationText(id, 'p', { lastUpdated: 1 }))
      await land(place.sink(), folder, { changes })

      const { types } = await land(place.sink(), folder, {
        changes: [observationText('b', 'p', { lastUpdated: 2 })],
        deleted: ['Observation/a', 'https://example.org/fhir/Observation/b', 'Observation/never'],
      })

      expect(types).toMatchObject([{ before: 3, deletedTold: 1, removed: 1, updated: 1 }])
      expect(await landedNames(place)).toEqual(['Observation/b', 'Observation/c'])
    })

    test('takes one cohort’s hold only', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const changes = [observationText('a', 'p')]
      await land(place.sink(), folder, { changes })
      await land(place.sink(), folder, { run: { cohort: OTHER_COHORT }, changes })

      const first = await land(place.sink(), folder, { deleted: ['Observation/a'] })
      const again = await land(place.sink(), folder, { deleted: ['Observation/a'] })
      const other = await land(place.sink(), folder, {
        run: { cohort: OTHER_COHORT },
        deleted: ['Observation/a'],
      })

      expect(first.types).toMatchObject([{ deletedTold: 1, removed: 0 }])
      expect(again.types).toEqual([])
      expect(other.types).toMatchObject([{ before: 1, deletedTold: 1, removed: 1 }])
      expect(await place.rows()).toEqual([])
    })

    test.each([
      [
        'no deletion',
        '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Observation/a"}}]}',
      ],
      [
        'no transaction',
        '{"resourceType":"Bundle","type":"collection","entry":[{"request":{"method":"DELETE","url":"Observation/a"}}]}',
      ],
      [
        'no single resource',
        '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation?patient=a"}}]}',
      ],
      ['no Bundle', '{"resourceType":"Observation","id":"a"}'],
    ])('refuses %s among deletions', async (_what, line) => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { changes: [observationText('a', 'p')] })
      {
        await using session = await place.sink().open()
        await using landing = await session.begin(landingRun())
        const files = [await folder.file('Bundle', [line])]

        await expect(landing.delete(files)).rejects.toMatchObject({ isBulkDataError: true })
      }
      expect(await landedNames(place)).toEqual(['Observation/a'])
    })
  })

  describe('absence', () => {
    test('removes what an all part does not have, of the run’s types', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [
          observationText('a', 'p'),
          observationText('b', 'p'),
          resourceText('Encounter', 'e'),
          resourceText('Organization', 'o'),
        ],
      })

      const { types } = await land(place.sink(), folder, {
        run: { kind: 'full', types: ['Observation', 'Encounter'] },
        all: [observationText('a', 'p')],
      })

      expect(typeNamed(types, 'Observation')).toMatchObject({ deletedComputed: 1, removed: 1 })
      expect(typeNamed(types, 'Encounter')).toMatchObject({ deletedComputed: 1, received: 0 })
      expect(typeNamed(types, 'Organization')).toMatchObject({ before: 1, deletedComputed: 0 })
      expect(await landedNames(place)).toEqual(['Observation/a', 'Organization/o'])
    })

    test('counts for an all part without files, and not for other parts', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const changes = [observationText('a', 'p')]
      await land(place.sink(), folder, { changes })

      await land(place.sink(), folder, { changes: [], history: [] })
      expect(await landedNames(place)).toEqual(['Observation/a'])

      const { types } = await land(place.sink(), folder, { run: { kind: 'full' }, all: [] })
      expect(types).toMatchObject([{ before: 1, received: 0, deletedComputed: 1, removed: 1 }])
      expect(await place.rows()).toEqual([])
    })

    test('reports drift of what should have been in step', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [
          observationText('outdated', 'p', { lastUpdated: 1 }),
          observationText('changed-since', 'p', { lastUpdated: 1 }),
          observationText('extra', 'p', { lastUpdated: 1 }),
          observationText('told', 'p', { lastUpdated: 1 }),
        ],
      })

      const { types } = await land(place.sink(), folder, {
        run: { kind: 'full', inStepUntil: hour(5) },
        all: [
          observationText('outdated', 'p', { lastUpdated: 5 }),
          observationText('changed-since', 'p', { lastUpdated: 6 }),
          observationText('missing', 'p', { lastUpdated: 4 }),
          observationText('new', 'p', { lastUpdated: 6 }),
          resourceText('Encounter', 'e', { lastUpdated: 1 }),
        ],
        deleted: ['Observation/told'],
      })

      expect(typeNamed(types, 'Observation')).toMatchObject({
        deletedTold: 1,
        deletedComputed: 1,
        drift: { missing: 1, outdated: 1, extra: 1 },
      })
      expect(typeNamed(types, 'Encounter')).not.toHaveProperty('drift')
    })
  })

  describe('leavers', () => {
    test('go with everything that is in no other member’s compartment', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [
          resourceText('Patient', 'p'),
          resourceText('Patient', 'q'),
          observationText('of-p', 'p'),
          observationText('of-q', 'q'),
          observationText('of-both', 'p', { performer: [{ reference: 'Patient/q' }] }),
          resourceText('Organization', 'o'),
        ],
        roster: ['p', 'q'],
      })

      const { types, roster } = await land(place.sink(), folder, {
        changes: [],
        roster: ['q', 'r'],
      })

      expect(roster).toEqual({ members: 2, membersBefore: 2, joiners: 1, leavers: 1 })
      expect(typeNamed(types, 'Observation')).toMatchObject({ before: 3, left: 1, removed: 1 })
      expect(typeNamed(types, 'Patient')).toMatchObject({ left: 1, removed: 1 })
      expect(await landedNames(place)).toEqual([
        'Observation/of-both',
        'Observation/of-q',
        'Organization/o',
        'Patient/q',
      ])
    })

    test('stay where another cohort holds them', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const script = { changes: [observationText('a', 'p')], roster: ['p'] }
      await land(place.sink(), folder, script)
      await land(place.sink(), folder, { run: { cohort: OTHER_COHORT }, ...script })

      const { types } = await land(place.sink(), folder, { roster: [] })

      expect(types).toMatchObject([{ left: 1, removed: 0 }])
      expect(await place.rows()).toMatchObject([{ cohorts: ['group/b'] }])
    })

    test('stay when they were replaced by a member, until that one leaves', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [
          replacedBy('a', 'b'),
          resourceText('Patient', 'c', {
            link: [
              { type: 'replaces', other: { reference: 'https://example.org/fhir/Patient/b' } },
            ],
          }),
          observationText('of-a', 'a'),
        ],
        roster: ['a', 'b', 'c'],
      })

      const kept = await land(place.sink(), folder, { roster: ['c'] })
      expect(kept).toMatchObject({ merged: 2, roster: { leavers: 2 } })
      expect(await landedNames(place)).toEqual(['Observation/of-a', 'Patient/a', 'Patient/c'])

      await land(place.sink(), folder, { roster: ['d'] })
      expect(await place.rows()).toEqual([])
    })

    test('survive links that go round in circles', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [replacedBy('a', 'b'), replacedBy('b', 'a'), replacedBy('c', 'c')],
        roster: ['a', 'b', 'c'],
      })

      await land(place.sink(), folder, { roster: ['x'] })

      expect(await place.rows()).toEqual([])
    })

    test('lose nothing that the run holds', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { changes: [observationText('a', 'p')], roster: ['p'] })

      const { types } = await land(place.sink(), folder, {
        changes: [observationText('a', 'p')],
        roster: ['q'],
      })

      expect(types).toMatchObject([{ left: 0, unchanged: 1 }])
      expect(await landedNames(place)).toEqual(['Observation/a'])
    })
  })
}
