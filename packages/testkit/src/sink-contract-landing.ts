import { describe, expect, test } from 'vitest'
import {
  COHORT,
  hour,
  land,
  LandingFolder,
  landingRun,
  type MakeSinkPlace,
  observationText,
  OTHER_COHORT,
  reportOf,
  resourceText,
} from './sink-contract-fixture.ts'
import { rowsById, typeNamed } from './sink-contract-views.ts'

/** How resources land. To be called within `describe`. */
export function landingContract(makePlace: MakeSinkPlace): void {
  describe('landing', () => {
    test('keeps texts byte for byte', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const texts = [
        '{"resourceType":"Observation","id":"a","valueQuantity":{"value":1.50}}',
        '{ "id" : "b",\t"resourceType":"Observation","n":123456789012345678 }',
        '{"resourceType":"Observation","id":"c","note":[{"text":"é€😀 \\u00e9 \\"quoted\\" \'; DROP"}]}',
        '{"resourceType":"Observation","id":"d","x":"half \\ud83d of a pair"}',
      ]

      await land(place.sink(), folder, { changes: texts })

      expect((await rowsById(place)).map((row) => row.raw)).toEqual(texts)
    })

    test.each([
      ['\n', 'a line feed'],
      ['', 'no line feed'],
      ['\n\n', 'a blank line'],
    ])('reads files that end in %j', async (end) => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const lines = [observationText('a', 'p'), observationText('b', 'p')]
      const files = [
        await folder.file('Observation', lines, end),
        await folder.file('Observation', [observationText('c', 'p')], end),
        await folder.file('Observation', []),
      ]
      {
        await using session = await place.sink().open()
        await using landing = await session.begin(landingRun())
        await landing.write(files, 'changes')

        expect((await landing.inspect()).types).toMatchObject([{ received: 3, inserted: 3 }])
      }
    })

    test('lands files of several types', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const texts = [
        observationText('a', 'p'),
        resourceText('Group', 'a'),
        resourceText('Patient', 'a'),
        resourceText('Zebra', 'a', { stripes: 7 }),
      ]
      {
        await using session = await place.sink().open()
        const run = landingRun()
        await using landing = await session.begin(run)
        await landing.write([await folder.file('*', texts)], 'changes')
        const { types } = await landing.inspect()
        await landing.commit({ watermarks: [], report: reportOf(run) })

        expect(types.map(({ type }) => type)).toEqual(['Group', 'Observation', 'Patient', 'Zebra'])
      }
      expect((await place.rows()).map((row) => row.type).toSorted()).toEqual([
        'Group',
        'Observation',
        'Patient',
        'Zebra',
      ])
    })

    test('takes the newest of several lines, of equally new ones the last, without an instant first', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const changes = [
        observationText('newest', 'p', { lastUpdated: 5, n: 'wins' }),
        observationText('newest', 'p', { lastUpdated: 4, n: 'loses' }),
        observationText('last', 'p', { lastUpdated: 5, n: 'loses' }),
        observationText('last', 'p', { lastUpdated: 5, n: 'wins' }),
        observationText('none', 'p', { n: 'wins' }),
        observationText('none', 'p', { lastUpdated: 9, n: 'loses' }),
      ]

      const { types } = await land(place.sink(), folder, { changes })

      expect(types).toMatchObject([{ received: 3, duplicates: 3, inserted: 3 }])
      for (const row of await rowsById(place)) expect(row.raw).toContain('wins')
    })

    test('takes the last of equally new lines across files and parts', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      {
        await using session = await place.sink().open()
        const run = landingRun()
        await using landing = await session.begin(run)
        const line = (n: number): string => observationText('a', 'p', { lastUpdated: 1, n })
        await landing.write(
          [await folder.file('Observation', [line(1)]), await folder.file('*', [line(2)])],
          'changes',
        )
        await landing.write([await folder.file('Observation', [line(3)])], 'history')
        const { types } = await landing.inspect()
        await landing.commit({ watermarks: [], report: reportOf(run) })

        expect(types).toMatchObject([{ received: 1, duplicates: 2, comparable: 1 }])
      }
      expect(await place.rows()).toMatchObject([
        { raw: expect.stringContaining('"n":3') as string },
      ])
    })

    test('updates what is newer, and leaves what is not', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const before = [
        observationText('same', 'p', { lastUpdated: 1 }),
        observationText('newer', 'p', { lastUpdated: 1 }),
        observationText('older', 'p', { lastUpdated: 3 }),
      ]
      await land(place.sink(), folder, { run: { id: 'run-1' }, changes: before })

      const { types } = await land(place.sink(), folder, {
        run: { id: 'run-2' },
        changes: [
          observationText('same', 'p', { lastUpdated: 1 }),
          observationText('newer', 'p', { lastUpdated: 2 }),
          observationText('older', 'p', { lastUpdated: 2 }),
          observationText('zero', 'p', { lastUpdated: 2 }),
        ],
      })

      expect(types).toMatchObject([
        { before: 3, received: 4, inserted: 1, updated: 1, unchanged: 2, removed: 0 },
      ])
      expect((await rowsById(place)).map(({ id, runId }) => `${id} ${runId}`)).toEqual([
        'newer run-2',
        'older run-1',
        'same run-1',
        'zero run-2',
      ])
    })

    test('replaces later versions with those of an all part', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { changes: [observationText('a', 'p', { lastUpdated: 3 })] })
      const all = [observationText('a', 'p', { lastUpdated: 2 })]

      const { types } = await land(place.sink(), folder, { all })

      expect(types).toMatchObject([{ updated: 1 }])
      expect((await place.rows()).map((row) => row.raw)).toEqual(all)
    })

    test('leaves to an all part what a cohort holds that is ahead of it', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const later = observationText('a', 'p', { lastUpdated: 3 })
      const watermarks = [{ type: '*', filter: '', transactionTime: hour(4) }]
      await land(place.sink(), folder, {
        run: { cohort: OTHER_COHORT },
        changes: [later],
        watermarks,
      })
      const all = [observationText('a', 'p', { lastUpdated: 1 })]

      await land(place.sink(), folder, { run: { transactionTime: hour(2) }, all })
      const before = (await place.rows()).map(({ raw, cohorts }) => [raw, cohorts.length])
      await land(place.sink(), folder, { run: { transactionTime: hour(5) }, all })

      expect(before).toEqual([[later, 2]])
      expect((await place.rows()).map(({ raw }) => raw)).toEqual(all)
    })

    test('shares a row between cohorts, and keeps sources apart', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const changes = [observationText('a', 'p', { lastUpdated: 1 })]
      const elsewhere = { source: 'https://elsewhere.example/fhir', cohort: 'system' }

      await land(place.sink(), folder, { changes })
      const shared = await land(place.sink(), folder, { run: { cohort: OTHER_COHORT }, changes })
      const apart = await land(place.sink(), folder, { run: { cohort: elsewhere }, changes })

      expect(shared.types).toMatchObject([{ before: 0, inserted: 0, unchanged: 1 }])
      expect(apart.types).toMatchObject([{ before: 0, inserted: 1, unchanged: 0 }])
      const holders = (await place.rows()).map(({ source, cohorts }) =>
        [source, ...cohorts].join(' '),
      )
      expect(holders.toSorted()).toEqual([
        'https://elsewhere.example/fhir system',
        `${COHORT.source} group/a group/b`,
      ])
    })

    test('does nothing when it is disposed of', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, {
        changes: [observationText('a', 'p', { lastUpdated: 1 })],
        roster: ['p'],
      })
      const before = await place.rows()

      await land(place.sink(), folder, {
        all: [observationText('b', 'q', { lastUpdated: 2 }), resourceText('Patient', 'q')],
        deleted: ['Observation/a'],
        roster: ['q'],
        commits: false,
      })

      expect(await place.rows()).toEqual(before)
      await using session = await place.sink().open()
      expect(await session.readState(COHORT)).toMatchObject({ members: 1, rosterAt: hour(0) })
    })

    test('counts what is older than it was asked for, apart from joiners', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { changes: [resourceText('Patient', 'p')], roster: ['p'] })

      const { types } = await land(place.sink(), folder, {
        run: { since: hour(10) },
        changes: [
          observationText('old', 'p', { lastUpdated: 9 }),
          observationText('new', 'p', { lastUpdated: 10 }),
          observationText('undated', 'p'),
          observationText('of-joiner', 'q', { lastUpdated: 1 }),
          resourceText('Organization', 'o', { lastUpdated: 1 }),
        ],
        history: [observationText('history', 'p', { lastUpdated: 1 })],
        roster: ['p', 'q'],
      })

      expect(typeNamed(types, 'Observation')).toMatchObject({ older: 1, comparable: 3 })
      expect(typeNamed(types, 'Organization')).toMatchObject({ older: 0, comparable: 0 })
    })

    test.each([
      [true, { older: 1, comparable: 1 }],
      [false, { older: 2, comparable: 2 }],
    ])(
      'counts newcomers as the source sends their history (%s)',
      async (sendsHistory, expected) => {
        await using folder = new LandingFolder()
        const place = await makePlace()
        await land(place.sink(), folder, { changes: [], roster: ['p'], rosterAt: hour(10) })
        await land(place.sink(), folder, { changes: [], roster: ['p', 'q'], rosterAt: hour(12) })

        const { types } = await land(place.sink(), folder, {
          run: { since: hour(11), sendsHistory },
          changes: [
            observationText('of-member', 'p', { lastUpdated: 1 }),
            observationText('of-newcomer', 'q', { lastUpdated: 1 }),
          ],
        })

        expect(typeNamed(types, 'Observation')).toMatchObject(expected)
      },
    )
  })
}
