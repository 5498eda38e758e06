import { spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { SyncEvent } from '@flatfhir/client'
import { temporaryDirectory } from '../fixtures.ts'
import { SyncBench } from './sync-fixtures.ts'

const CHILD = fileURLToPath(new URL('sync-process.mjs', import.meta.url))

/** A second run with everything in it: a change, a deletion, a joiner, a leaver. */
async function benchWithNews(): Promise<SyncBench> {
  const bench = await SyncBench.start()
  bench.source.putPatient('late')
  await bench.syncOnce()
  bench.source.putObservation('p0-0', 'p0', 7)
  bench.source.delete('Observation/p0-1')
  bench.source.groups.set('g', new Set(['p0', 'p1', 'late']))
  return bench
}

/** Ends a sync at its n-th event, as early as it can. */
async function abortAt(
  bench: SyncBench,
  place: number,
): Promise<{ readonly error: unknown; readonly isReached: boolean }> {
  const stop = new AbortController()
  let events = 0
  const onEvent = (event: SyncEvent): void => {
    bench.events.push(event)
    events += 1
    if (events === place) stop.abort()
  }
  const error = await bench.sync({ signal: stop.signal, onEvent }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, isReached: events >= place }
}

describe('a sync that is aborted', () => {
  test('at any of its events ends, by the next ones, as if nothing had been', async () => {
    const undisturbed = await benchWithNews()
    await undisturbed.syncOnce()
    const steps = undisturbed.events.filter(({ type }) => type !== 'export-event').length

    const bench = await benchWithNews()
    const seen: (string | undefined)[] = []
    // Every attempt gets one event further than the one before it.
    for (let place = 1; place < 200; place += 1) {
      const from = bench.events.length
      const { error, isReached } = await abortAt(bench, place)
      if (!isReached || error === undefined) break
      expect(error).toMatchObject({ code: 'EXPORT_ABORTED', retryable: true })
      seen.push(bench.events.at(from + place - 1)?.type)
    }

    expect(seen.length).toBeGreaterThanOrEqual(Math.min(steps, 5))
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    expect(bench.landed()).toEqual(undisturbed.landed())
    expect(await bench.leftovers()).toEqual([])
  }, 60_000)

  test.each([
    'run-planned',
    'roster-compared',
    'export-finished',
    'landing-inspected',
    'committed',
  ])('after %s goes on in the same run, and kicks nothing off twice', async (type) => {
    const bench = await benchWithNews()
    const kickOffsBefore = bench.source.kickOffs.length
    const stop = new AbortController()
    const onEvent = (event: SyncEvent): void => {
      bench.events.push(event)
      if (event.type === type) stop.abort()
    }
    await expect(bench.sync({ signal: stop.signal, onEvent })).rejects.toThrow('interrupted')
    const isCommitted = type === 'committed'
    expect(bench.landed().length === bench.source.content('group/g').length).toBe(isCommitted)

    const report = await bench.syncOnce()

    expect(new Set(bench.events.slice(-1).map(({ runId }) => runId))).toEqual(
      new Set([report.runId]),
    )
    expect(bench.told('run-planned').filter(({ runId }) => runId === report.runId)).toHaveLength(
      isCommitted ? 1 : 2,
    )
    expect(bench.source.kickOffs.length - kickOffsBefore).toBe(3)
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    expect(bench.place.reports).toHaveLength(2)
    expect(bench.place.published).toBe(2)
  })

  test('leaves the export to the provider, unless it is told not to', async () => {
    const bench = await SyncBench.start()
    const stopAfterKickOff = async (onAbort: 'keep' | 'delete'): Promise<void> => {
      const stop = new AbortController()
      const onEvent = (event: SyncEvent): void => {
        const isKickOff = event.type === 'export-event' && event.event.type === 'kick-off'
        if (isKickOff) stop.abort()
      }
      await expect(bench.sync({ signal: stop.signal, onEvent, onAbort })).rejects.toThrow()
    }

    await stopAfterKickOff('keep')
    expect(bench.source.deletes).toBe(0)
    await bench.syncOnce()
    expect(bench.source.kickOffs).toHaveLength(1)

    bench.place.cohorts = new Map()
    await stopAfterKickOff('delete')
    expect(bench.source.deletes).toBe(2)
    expect((await bench.syncOnce()).result).toBe('committed')
  })
})

describe('a sync goes on', () => {
  test('with a new export where the old one expired at the provider meanwhile', async () => {
    const bench = await benchWithNews()
    const stop = new AbortController()
    const onEvent = (event: SyncEvent): void => {
      const isKickOff = event.type === 'export-event' && event.event.type === 'kick-off'
      if (isKickOff && event.purpose === 'changes') stop.abort()
    }
    await expect(bench.sync({ signal: stop.signal, onEvent })).rejects.toThrow('interrupted')
    bench.source.expire()

    const report = await bench.syncOnce()

    expect(bench.told('discarded').map(({ reason }) => reason)).toContain('lost-at-provider')
    expect(report).toMatchObject({ kind: 'incremental', result: 'committed' })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('with another run when the connection was defined anew meanwhile', async () => {
    const bench = await SyncBench.start()
    await abortAt(bench, 2)
    const abandoned = bench.source.kickOffs.length
    bench.connection = { ...bench.connection, types: ['Patient'] }

    const report = await bench.syncOnce()

    expect(bench.source.kickOffs.slice(abandoned)).toMatchObject([{ types: ['Patient'] }])
    expect(report.landing?.types.map(({ type }) => type)).toEqual(['Patient'])
    expect(await bench.leftovers()).toEqual([])
  })

  test('when the work directory was lost after the commit', async () => {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    await rm(bench.workDirectory, { recursive: true })
    bench.source.putObservation('p0-0', 'p0', 7)

    const report = await bench.syncOnce()

    expect(report.kind).toBe('incremental')
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('with a full run when the landed data were deleted, also in the middle of a run', async () => {
    const bench = await benchWithNews()
    await abortAt(bench, 12)
    bench.place.rows = new Map()
    bench.place.cohorts = new Map()

    const report = await bench.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['first-run'] })
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('from the older state of a sink that was restored from a backup', async () => {
    const bench = await SyncBench.start()
    await bench.syncOnce()
    const { rows, cohorts } = bench.place
    bench.source.putObservation('p0-0', 'p0', 7)
    await bench.syncOnce()
    Object.assign(bench.place, { rows, cohorts })

    const report = await bench.syncOnce()

    expect(report.kind).toBe('incremental')
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
  })

  test('although its plan was damaged, and not with one of a newer release', async () => {
    const bench = await SyncBench.start()
    await abortAt(bench, 2)
    const [folder = ''] = (await bench.leftovers()).map((name) => name.split('/')[0] ?? '')
    const plan = join(bench.workDirectory, folder, 'run.json')
    await writeFile(plan, '{"version":2,"runId":"x"}')
    const refused = await bench.syncOne()
    await writeFile(plan, '{"vers')

    const report = await bench.syncOnce()

    expect(refused.error).toMatchObject({ code: 'SYNC_WORK_DIRECTORY_INVALID' })
    expect(report.result).toBe('committed')
  })
})

test('a second sync in the same work directory is refused, and lands nothing', async () => {
  const bench = await SyncBench.start()
  let second: Promise<unknown> | undefined
  const onEvent = ({ type }: SyncEvent): void => {
    if (type === 'run-planned') second = bench.sync().catch((error: unknown) => error)
  }
  const open = async (): ReturnType<typeof bench.sink.open> => {
    // The first one cannot end before the second has been refused.
    await second
    return bench.sink.open()
  }

  const report = await bench.syncOnce({ onEvent, sink: { open } })

  expect(await second).toMatchObject({ code: 'SYNC_IN_PROGRESS', retryable: true })
  expect(report.result).toBe('committed')
})

test('a commit of somebody else meanwhile makes a run land nothing', async () => {
  const bench = await benchWithNews()
  const elsewhere = await temporaryDirectory()
  let opened = 0
  const open = async (): ReturnType<typeof bench.sink.open> => {
    opened += 1
    // For the state, for the roster, and for the landing.
    if (opened === 3) await bench.sync({ workDirectory: elsewhere })
    return bench.sink.open()
  }

  const result = await bench.syncOne({ sink: { open } })

  expect(result).toMatchObject({ result: 'failed', error: { code: 'SYNC_SUPERSEDED' } })
  expect((await bench.syncOnce()).result).toBe('committed')
  expect(bench.landed()).toEqual(bench.source.content('group/g'))
})

test.each(['run-planned', 'export-begun', 'export-finished'])(
  'a process that is killed at %s is gone on from by the next',
  async (type) => {
    const bench = await SyncBench.start()
    const json = JSON.stringify({
      ...{ connection: bench.connection, workDirectory: bench.workDirectory, killAt: type },
    })
    const child = spawn(process.execPath, [CHILD, json], { stdio: ['ignore', 'ignore', 'inherit'] })
    const signal = await new Promise((resolve) => {
      child.once('exit', (_code, by) => {
        resolve(by)
      })
    })

    const report = await bench.syncOnce()

    expect(signal).toBe('SIGKILL')
    expect(report.result).toBe('committed')
    expect(bench.source.kickOffs).toHaveLength(1)
    expect(bench.landed()).toEqual(bench.source.content('group/g'))
    expect(await bench.leftovers()).toEqual([])
  },
)
