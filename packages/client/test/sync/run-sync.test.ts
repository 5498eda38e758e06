import { describe, expect, test } from 'vitest'
import { GENERIC_PROFILE } from '@flatfhir/client'
import { landedType, SyncBench } from './sync-fixtures.ts'

describe('the first run', () => {
  test('is a full one, lands everything, and leaves nothing but its report behind', async () => {
    const bench = await SyncBench.start()

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['first-run'], result: 'committed' })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    expect(bench.sink.roster({ source: bench.source.url, cohort: 'group/g' })).toHaveLength(3)
    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['all'])
    expect(report.transactionTime).toBe(report.exports[0]?.transactionTime)
    expect(bench.source.deletes).toBe(1)
    expect(await bench.leftovers()).toEqual([])
  })

  test('exports the roster too where its own Patients are not all of them', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, types: ['Observation'] }

    const report = await bench.syncOnce()

    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster', 'all'])
    expect(bench.source.kickOffs[0]).toMatchObject({ types: ['Patient'], elements: ['id'] })
    expect(bench.sink.rows().every(({ type }) => type === 'Observation')).toBe(true)
    expect(bench.sink.roster({ source: bench.source.url, cohort: 'group/g' })).toHaveLength(3)
  })
})

describe('a later run', () => {
  test('brings changes, deletions, joiners with their history, and takes leavers out', async () => {
    const bench = await SyncBench.start()
    bench.source.putPatient('late', 3)
    const first = await bench.syncOnce()
    bench.source.putObservation('p0-0', 'p0', 7)
    bench.source.delete('Observation/p0-1')
    bench.source.groups.set('g', new Set(['p0', 'p1', 'late']))

    const report = await bench.syncOnce()

    expect(report).toMatchObject({
      ...{ kind: 'incremental', fullReasons: [], result: 'committed', alarms: [] },
      previousTransactionTime: first.transactionTime,
      landing: { roster: { members: 3, membersBefore: 3, joiners: 1, leavers: 1 } },
    })
    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster', 'changes', 'history'])
    expect(landedType(report, 'Observation')).toMatchObject({ deletedTold: 1, left: 2, updated: 1 })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    const [, changes, history] = bench.source.kickOffs.slice(1)
    expect(changes?.since).toBe(first.transactionTime)
    expect(history).toMatchObject({ method: 'POST', patients: ['late'], since: undefined })
  })

  test('asks for an overlap, and for nobody where nothing changed', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, overlapMs: 60_000 }
    const first = await bench.syncOnce()

    const report = await bench.syncOnce()

    const sinceMs = Date.parse(bench.source.kickOffs.at(-1)?.since ?? '')
    expect(sinceMs).toBe(Date.parse(first.transactionTime ?? '') - 60_000)
    expect(report).toMatchObject({ result: 'committed', alarms: [] })
    expect(landedType(report, 'Patient')).toMatchObject({ inserted: 0, updated: 0 })
  })

  test('lands an export without any file, and moves the watermark', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, level: 'system', groupIds: undefined }
    const first = await bench.syncOnce()

    const second = await bench.syncOnce()

    expect(second).toMatchObject({ kind: 'incremental', result: 'committed' })
    expect(second.exports).toMatchObject([{ purpose: 'changes', files: 0 }])
    expect(Date.parse(second.transactionTime ?? '')).toBeGreaterThan(
      Date.parse(first.transactionTime ?? ''),
    )
  })

  test('asks since the last roster where that was before the watermark', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, types: ['Observation'] }
    const first = await bench.syncOnce()

    await bench.syncOnce()

    const [roster, all] = first.exports
    expect(Date.parse(roster?.transactionTime ?? '')).toBeLessThan(
      Date.parse(all?.transactionTime ?? ''),
    )
    expect(bench.source.kickOffs.at(-1)?.since).toBe(roster?.transactionTime)
  })

  test('is a full one when very many patients joined', async () => {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    for (let index = 0; index < 1001; index += 1) {
      bench.source.putPatient(`new${index}`, 0)
      bench.source.groups.get('g')?.add(`new${index}`)
    }

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['many-joiners'] })
    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster', 'all'])
    expect(bench.sink.roster({ source: bench.source.url, cohort: 'group/g' })).toHaveLength(1004)
  })

  test('fetches joiners in batches', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, backfillBatchSize: 2 }
    const late = ['a', 'b', 'c', 'd', 'e']
    for (const id of late) bench.source.putPatient(id)
    await bench.syncOnce()
    bench.source.groups.set('g', new Set(['p0', 'p1', 'p2', ...late]))

    const report = await bench.syncOnce()

    const batches = bench.source.kickOffs.flatMap(({ patients }) => patients ?? [])
    expect(batches).toEqual(late)
    expect(report.exports.map(({ purpose }) => purpose)).toEqual([
      ...['roster', 'changes', 'history', 'history', 'history'],
    ])
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('is a full one when types were added, also after a detour', async () => {
    const bench = await SyncBench.start()
    const types = ['Patient', 'Observation']
    bench.connection = { ...bench.connection, types: ['Patient'] }
    await bench.syncOnce()
    bench.connection = { ...bench.connection, types }
    const added = await bench.syncOnce()
    bench.connection = { ...bench.connection, types: ['Patient'] }
    await bench.syncOnce()
    bench.connection = { ...bench.connection, types }

    const back = await bench.syncOnce()

    expect(added).toMatchObject({ kind: 'full', fullReasons: ['new-types'] })
    expect(added.landing?.types.every(({ drift }) => drift === undefined)).toBe(true)
    expect(back).toMatchObject({ kind: 'full', fullReasons: ['new-types'] })
  })
})

describe('several cohorts', () => {
  test('are synced one after another, and one that is gone does not stop the others', async () => {
    const bench = await SyncBench.start()
    bench.source.groups.set('h', new Set(['p0']))
    bench.connection = { ...bench.connection, groupIds: ['gone', 'g', 'h'] }

    const { result, cohorts } = await bench.sync()

    expect(result).toBe('failed')
    expect(cohorts.map((each) => each.result)).toEqual(['failed', 'committed', 'committed'])
    expect(cohorts[0]?.error).toMatchObject({ code: 'REQUEST_REJECTED', status: 404 })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    const shared = bench.sink.rows().find(({ type, id }) => type === 'Patient' && id === 'p0')
    expect(shared?.cohorts).toEqual(['group/g', 'group/h'])
  })
})

describe('a reconcile', () => {
  test('comes after an incremental run, and finds what the source never told', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, reconcileEveryMs: 1 }
    bench.source.tellsDeletions = false
    await bench.syncOnce()
    bench.source.delete('Observation/p0-0')
    bench.source.putObservation('p1-0', 'p1', 5)

    const { reports } = await bench.syncOne()

    expect(reports.map(({ kind, fullReasons }) => [kind, ...fullReasons])).toEqual([
      ['incremental'],
      ['full', 'reconcile-due'],
    ])
    const [, full] = reports
    if (full === undefined) throw new Error('There should be a second run')
    expect(landedType(full, 'Observation')).toMatchObject({
      deletedComputed: 1,
      drift: { missing: 0, outdated: 0, extra: 1 },
    })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('is not due before its time, and a full run can be asked for', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, reconcileEveryMs: 365 * 86_400_000 }
    await bench.syncOnce()

    const incremental = await bench.syncOnce()
    const full = await bench.syncOnce({ full: true })

    expect(incremental.kind).toBe('incremental')
    expect(full).toMatchObject({ kind: 'full', fullReasons: ['asked'] })
  })
})

describe('a source that cannot do everything', () => {
  test('without _since is exported in full each time', async () => {
    const bench = await SyncBench.start()
    bench.source.software = 'Epic'
    bench.source.stampsLastUpdated = false
    bench.connection = { ...bench.connection, profile: 'auto', edition: 'auto' }
    await bench.syncOnce()
    bench.source.delete('Observation/p0-0')
    bench.source.putObservation('p1-0', 'p1', 5)

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['since-not-supported'] })
    expect(bench.source.kickOffs.every(({ since }) => since === undefined)).toBe(true)
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('that refuses _elements is asked for whole Patients', async () => {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    bench.source.refuse = ({ elements }) => (elements.length > 0 ? 400 : undefined)

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'incremental', result: 'committed' })
    expect(bench.told('fallback')).toMatchObject([{ reason: 'elements-refused' }])
  })

  test.each([400, 404, 405, 422])(
    'that refuses `patient` (%i) is exported in full',
    async (status) => {
      const bench = await SyncBench.start()
      bench.source.putPatient('late')
      await bench.syncOnce()
      bench.source.groups.get('g')?.add('late')
      bench.source.refuse = ({ patients }) => (patients === undefined ? undefined : status)

      const report = await bench.syncOnce()

      expect(report).toMatchObject({ kind: 'full', fullReasons: ['joiners-not-supported'] })
      expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster', 'changes', 'all'])
      expect(bench.landed()).toEqual(bench.source.content('group/g'))
      expect(await bench.leftovers()).toEqual([])
    },
  )

  test('whose profile says that it knows no `patient` is not asked', async () => {
    const bench = await SyncBench.start()
    const profile = { ...GENERIC_PROFILE, id: 'own', patientParameter: 'not-supported' as const }
    bench.connection = { ...bench.connection, profile }
    bench.source.putPatient('late')
    await bench.syncOnce()
    bench.source.groups.get('g')?.add('late')

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['joiners-not-supported'] })
    expect(bench.source.kickOffs.every(({ patients }) => patients === undefined)).toBe(true)
  })

  test('whose _since exports hold the history of joiners needs no backfill', async () => {
    const bench = await SyncBench.start()
    const profile = { ...GENERIC_PROFILE, id: 'own', joinersHistory: ['group'] as const }
    bench.connection = { ...bench.connection, profile }
    await bench.syncOnce()
    bench.source.groups.get('g')?.add('late')
    bench.source.putPatient('late')

    const report = await bench.syncOnce()

    expect(report.exports.map(({ purpose }) => purpose)).toEqual(['roster', 'changes'])
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test.each([400, 410])(
    'that finds _since too long ago (%i) is exported in full',
    async (status) => {
      const bench = await SyncBench.start()
      await bench.syncOnce()
      bench.source.refuse = ({ since }) => (since === undefined ? undefined : status)

      const report = await bench.syncOnce()

      expect(report).toMatchObject({ kind: 'full', fullReasons: ['since-refused'] })
      expect(report.result).toBe('committed')
    },
  )

  test('that needs a _since for everything gets it', async () => {
    const bench = await SyncBench.start()
    const fullSince = '2020-01-01T00:00:00.000Z'
    bench.connection = {
      ...bench.connection,
      profile: { ...GENERIC_PROFILE, id: 'own', fullSince },
    }

    const report = await bench.syncOnce()

    expect(bench.source.kickOffs).toMatchObject([{ since: fullSince }])
    expect(report).toMatchObject({ kind: 'full', exports: [{ since: fullSince }] })
  })

  test('and sends everything twice is landed once', async () => {
    const bench = await SyncBench.start()
    bench.source.writesTwice = true

    const report = await bench.syncOnce()

    expect(landedType(report, 'Observation')).toMatchObject({ received: 6, duplicates: 6 })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })
})
