import { describe, expect, test } from 'vitest'
import type { SyncReport } from '@flatfhir/client'
import { SyncBench } from './sync-fixtures.ts'

/** What a run that stops must leave as it was. */
interface Untouched {
  readonly landed: SyncBench['landed'] extends () => infer Landed ? Landed : never
  readonly state: unknown
}

async function snapshot(bench: SyncBench): Promise<Untouched> {
  await using session = await bench.sink.open()
  const key = { source: bench.source.url, cohort: 'group/g' }
  return { landed: bench.landed(), state: await session.readState(key) }
}

function codes({ alarms }: SyncReport): readonly (readonly [string, boolean])[] {
  return [...new Map(alarms.map(({ code, accepted }) => [code, accepted] as const))]
}

async function history(bench: SyncBench): Promise<readonly SyncReport[]> {
  await using session = await bench.sink.open()
  return await session.runs({ limit: 10 })
}

describe('a source that ignores _since', () => {
  async function ignoring(): Promise<SyncBench> {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    bench.source.ignoresSince = true
    return bench
  }

  test('stops the run before it commits, and the export is thrown away', async () => {
    const bench = await ignoring()
    const before = await snapshot(bench)

    const { result, cohorts } = await bench.sync()

    const report = cohorts[0]?.reports[0]
    expect(result).toBe('stopped')
    expect(report && codes(report)).toEqual([['SINCE_IGNORED', false]])
    expect(report?.transactionTime).toBeUndefined()
    expect(await snapshot(bench)).toEqual(before)
    expect((await history(bench)).map((each) => each.result)).toEqual(['stopped', 'committed'])
    expect(await bench.leftovers()).toEqual([])
  })

  test('is landed when that is accepted', async () => {
    const bench = await ignoring()
    bench.source.putObservation('new', 'p0')

    const report = await bench.syncOnce({ accept: ['SINCE_IGNORED'] })

    expect(report.result).toBe('committed')
    expect(codes(report)).toEqual([['SINCE_IGNORED', true]])
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })
})

describe('a source whose clock was set back', () => {
  async function setBack(): Promise<SyncBench> {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    bench.source.nowMs -= 86_400_000
    bench.source.putObservation('p0-0', 'p0', 9)
    return bench
  }

  test('stops the run', async () => {
    const bench = await setBack()
    const before = await snapshot(bench)

    const report = await bench.syncOnce()

    expect(report.result).toBe('stopped')
    expect(codes(report)).toEqual([['CLOCK_BACKWARDS', false]])
    expect(await snapshot(bench)).toEqual(before)
  })

  test('is exported in full when that is accepted, and goes on from there', async () => {
    const bench = await setBack()

    const report = await bench.syncOnce({ accept: ['CLOCK_BACKWARDS'] })
    const next = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['clock-backwards'] })
    expect(codes(report)).toEqual([['CLOCK_BACKWARDS', true]])
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    expect(next).toMatchObject({ kind: 'incremental', result: 'committed', alarms: [] })
  })
})

describe('a suspicious shrinking', () => {
  test('of the roster stops the run before anything else is exported', async () => {
    const bench = await SyncBench.start(15)
    await bench.syncOnce()
    bench.source.groups.set('g', new Set(['p0', 'p1']))
    const before = await snapshot(bench)

    const report = await bench.syncOnce()

    expect(codes(report)).toEqual([['SUSPICIOUS_SHRINK', false]])
    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster'])
    expect(await snapshot(bench)).toEqual(before)
    const accepted = await bench.syncOnce({ accept: ['SUSPICIOUS_SHRINK'] })
    expect(accepted.result).toBe('committed')
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('to an empty roster stops the run, however small it was', async () => {
    const bench = await SyncBench.start(1)
    await bench.syncOnce()
    bench.source.groups.set('g', new Set())

    const report = await bench.syncOnce()

    expect(codes(report)).toEqual([['SUSPICIOUS_SHRINK', false]])
  })

  test('of a type in a full run stops it', async () => {
    const bench = await SyncBench.start(8)
    await bench.syncOnce()
    for (let id = 0; id < 6; id += 1) {
      bench.source.delete(`Observation/p${id}-0`)
      bench.source.delete(`Observation/p${id}-1`)
    }
    const before = await snapshot(bench)

    const report = await bench.syncOnce({ full: true })

    expect(report.alarms).toMatchObject([{ code: 'SUSPICIOUS_SHRINK', type: 'Observation' }])
    expect(await snapshot(bench)).toEqual(before)
  })

  test('by deletions that the source tells of stops an incremental run, by a share of your own', async () => {
    const bench = await SyncBench.start(3)
    const thresholds = { shrinkRows: 1, shrinkShare: 0.1 }
    bench.connection = { ...bench.connection, thresholds }
    await bench.syncOnce()
    bench.source.delete('Observation/p0-0')
    const fine = await bench.syncOnce()
    bench.source.delete('Observation/p1-0')
    bench.source.delete('Observation/p1-1')

    const report = await bench.syncOnce()

    expect(fine.result).toBe('committed')
    expect(report.alarms).toMatchObject([{ code: 'SUSPICIOUS_SHRINK', type: 'Observation' }])
  })
})

describe('an export that is not complete', () => {
  async function withHole(): Promise<SyncBench> {
    const bench = await SyncBench.start()
    bench.source.refuseFile = ({ type }) => (type === 'Observation' ? 404 : undefined)
    return bench
  }

  test('stops the run, and the next one fetches the rest', async () => {
    const bench = await withHole()

    const stopped = await bench.syncOnce()
    bench.source.refuseFile = () => undefined
    const next = await bench.syncOnce()

    expect(codes(stopped)).toEqual([['EXPORT_INCOMPLETE', false]])
    expect(stopped.landing).toBeUndefined()
    expect(next).toMatchObject({ result: 'committed', kind: 'full' })
    expect(next.runId).not.toBe(stopped.runId)
    expect(bench.source.kickOffs).toHaveLength(1)
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('is given up when another run brought no more of it', async () => {
    const bench = await withHole()

    await bench.syncOnce()
    await bench.syncOnce()
    expect(await bench.leftovers()).toEqual([])
    await bench.syncOnce()

    expect(bench.source.kickOffs).toHaveLength(2)
    expect(bench.source.deletes).toBe(1)
  })

  test('lands what there is when that is accepted; nothing is removed and no watermark moves', async () => {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    bench.source.refuseFile = ({ type }) => (type === 'Observation' ? 404 : undefined)
    bench.source.put({ resourceType: 'Patient', id: 'p0', active: true })
    const accept = ['EXPORT_INCOMPLETE'] as const

    const report = await bench.syncOnce({ full: true, accept })

    expect(report.result).toBe('committed')
    expect(report.transactionTime).toBeUndefined()
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    bench.source.refuseFile = () => undefined
    const next = await bench.syncOnce()
    expect(next.previousTransactionTime).toBe(report.previousTransactionTime)
    expect(next.kind).toBe('incremental')
  })

  test('of joiners leaves them joiners when it is accepted', async () => {
    const bench = await SyncBench.start()
    bench.source.putPatient('late')
    await bench.syncOnce()
    bench.source.groups.get('g')?.add('late')
    bench.source.refuseFile = ({ type }) => (type === 'Observation' ? 404 : undefined)
    await bench.syncOnce({ accept: ['EXPORT_INCOMPLETE'] })
    bench.source.refuseFile = () => undefined

    const report = await bench.syncOnce()

    expect(report.landing?.roster).toMatchObject({ joiners: 1 })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })
})
