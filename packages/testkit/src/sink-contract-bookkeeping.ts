import type { Watermark } from '@flatfhir/client'
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
  SOURCE,
} from './sink-contract-fixture.ts'

const watermark = (type: string, at: number, filter = ''): Watermark => ({
  type,
  filter,
  transactionTime: hour(at),
})

/** What a sink remembers beside the data. To be called within `describe`. */
export function bookkeepingContract(makePlace: MakeSinkPlace): void {
  describe('state', () => {
    test('is empty at first', async () => {
      const place = await makePlace()
      await using session = await place.sink().open()

      expect(await session.readState(COHORT)).toEqual({ watermarks: [], members: 0 })
      expect(await session.runs({ limit: 10 })).toEqual([])
    })

    test('moves with a commit, type by type and filter by filter', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const first = [watermark('Observation', 1), watermark('Observation', 1, 'code=a')]
      const second = {
        ...watermark('Observation', 2, 'code=a'),
        previousTransactionTime: hour(1),
      }
      await land(place.sink(), folder, { run: { id: 'run-1', kind: 'full' }, watermarks: first })

      await land(place.sink(), folder, {
        run: { id: 'run-2', startedAt: hour(2) },
        watermarks: [second],
        roster: ['p', 'q', 'q'],
        rosterAt: hour(2),
      })

      await using session = await place.sink().open()
      const { watermarks, ...rest } = await session.readState(COHORT)
      expect(rest).toEqual({
        members: 2,
        rosterAt: hour(2),
        lastFullAt: hour(0),
        lastRunId: 'run-2',
      })
      const byFilter = watermarks.toSorted((a, b) => a.filter.length - b.filter.length)
      expect(byFilter).toEqual([first[0], second])
      expect(await session.readState(OTHER_COHORT)).toEqual({ watermarks: [], members: 0 })
    })

    test('knows the roster of its last change, also an empty one', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { roster: ['p'], rosterAt: hour(1) })
      await land(place.sink(), folder, { roster: [], rosterAt: hour(2) })

      expect(await land(place.sink(), folder, { changes: [] })).not.toHaveProperty('roster')

      await using session = await place.sink().open()
      expect(await session.readState(COHORT)).toMatchObject({ members: 0, rosterAt: hour(2) })
    })

    test('compares a roster without changing it', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { roster: ['a', 'b', 'c'] })
      const files = await folder.rosterFiles(['z', 'c', 'y', 'x', 'x'])
      await using session = await place.sink().open()

      for (let again = 0; again < 2; again++) {
        expect(await session.compareRoster(COHORT, files, { maxJoinerIds: 2 })).toMatchObject({
          members: 4,
          membersBefore: 3,
          joiners: 3,
          leavers: 2,
          joinerIds: ['x', 'y'],
        })
      }
      expect(await session.compareRoster(OTHER_COHORT, files, { maxJoinerIds: 0 })).toMatchObject({
        members: 4,
        membersBefore: 0,
        joiners: 4,
        leavers: 0,
        joinerIds: [],
      })
    })
  })

  describe('runs', () => {
    test('are told newest first, stopped ones too, by source', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const elsewhere = { source: 'https://elsewhere.example', cohort: 'system' }
      await land(place.sink(), folder, { run: { id: 'one' } })
      await land(place.sink(), folder, { run: { id: 'two', cohort: elsewhere } })
      await using session = await place.sink().open()
      const stopped = reportOf(landingRun({ id: 'three' }), {
        result: 'stopped',
        alarms: [{ code: 'SINCE_IGNORED', message: 'é', type: 'Patient', accepted: false }],
      })
      await session.recordRun(stopped)

      const ids = async (options: { limit: number; source?: string }): Promise<readonly string[]> =>
        (await session.runs(options)).map(({ runId }) => runId)
      expect(await ids({ limit: 10 })).toEqual(['three', 'two', 'one'])
      expect(await ids({ limit: 2 })).toEqual(['three', 'two'])
      expect(await ids({ limit: 2, source: SOURCE })).toEqual(['three', 'one'])
      expect((await session.runs({ limit: 1 }))[0]).toEqual(stopped)
    })

    test('that stopped leave state and data alone, and may commit later', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      const run = landingRun({ id: 'one' })
      {
        await using session = await place.sink().open()
        await session.recordRun(reportOf(run, { result: 'stopped' }))
        await session.recordRun(reportOf(run, { result: 'stopped' }))
        expect(await session.readState(COHORT)).toEqual({ watermarks: [], members: 0 })
      }

      await land(place.sink(), folder, { run, changes: [observationText('a', 'p')] })

      await using session = await place.sink().open()
      expect(await session.runs({ limit: 10 })).toMatchObject([{ result: 'committed' }])
    })

    test('publish as often as one likes', async () => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      await land(place.sink(), folder, { changes: [observationText('a', 'p')] })
      await using session = await place.sink().open()

      await session.publish()
      await session.publish()

      expect(await session.readState(COHORT)).toMatchObject({ members: 0 })
    })
  })
}
