import { ExportJobs, type ExportJobsEvent } from '@flatfhir/server'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import {
  countIds,
  eventually,
  everyIdOnce,
  readOutputFile,
  startExports,
  storedNames,
  SYSTEM_EXPORT,
  untilComplete,
  untilEnded,
  type ExportFixture,
} from './export-fixture.ts'
import type { GeneratedType } from './generated-resource-store.ts'

const PATIENTS: GeneratedType = { type: 'Patient', count: 100, lineBytes: 300, linesPerBlock: 7 }
const OBSERVATIONS: GeneratedType = {
  type: 'Observation',
  count: 1000,
  lineBytes: 250,
  linesPerBlock: 64,
}

function eventsNamed<Name extends ExportJobsEvent['name']>(
  { events }: ExportFixture,
  name: Name,
): readonly Extract<ExportJobsEvent, { readonly name: Name }>[] {
  return events.filter((event): event is Extract<ExportJobsEvent, { readonly name: Name }> => {
    return event.name === name
  })
}

/** Waits until a reader stands before a gate. */
async function untilWaitingAt({ directory }: ExportFixture, gate: string): Promise<void> {
  await eventually(`a reader at ${gate}`, () =>
    access(join(directory, `${gate}.waiting`)).then(
      () => true,
      () => undefined,
    ),
  )
}

async function open({ directory }: ExportFixture, gate: string): Promise<void> {
  await writeFile(join(directory, gate), '')
}

describe('a job', () => {
  test.each(['gzip', 'none'] as const)(
    'holds every resource once, in files that are what their rows say (%s)',
    async (compression) => {
      const types = [PATIENTS, OBSERVATIONS]
      await using fixture = await startExports(types, { compression, partitionBytes: 40_000 })

      const job = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, clientId: 'c' })

      const status = await untilEnded(fixture.exportJobs, job.jobId)
      expect(status).toMatchObject({ state: 'complete', job: { ...job, state: {} } })
      expect(await countIds(fixture.exportJobs, job.jobId)).toEqual(everyIdOnce(types))
      const files = await untilComplete(fixture.exportJobs, job.jobId)
      const encodings = new Set(files.map(({ storedEncoding }) => storedEncoding))
      expect([...encodings]).toEqual([compression === 'gzip' ? 'gzip' : 'identity'])
      expect(new Set(files.map(({ fileId }) => fileId)).size).toBe(files.length)
    },
  )

  test('splits files by size on the border of lines, and leaves none empty', async () => {
    await using fixture = await startExports([OBSERVATIONS], { maxFileBytes: 10_000 })

    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

    const files = await untilComplete(fixture.exportJobs, jobId)
    expect(Math.max(...files.map(({ bytes }) => bytes))).toBeLessThanOrEqual(10_000)
    expect(Math.min(...files.map(({ resourceCount }) => resourceCount))).toBeGreaterThan(0)
    expect(await countIds(fixture.exportJobs, jobId)).toEqual(everyIdOnce([OBSERVATIONS]))
  })

  test('of nothing completes with no file', async () => {
    await using fixture = await startExports([])

    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

    expect(await untilComplete(fixture.exportJobs, jobId)).toEqual([])
    expect(await storedNames(fixture.filesDirectory)).toEqual([])
  })

  test('reports ignored parameters in one outcome file, a line each', async () => {
    await using fixture = await startExports([PATIENTS])
    const ignoredParameters = [
      { name: '_elements', reason: 'not supported' },
      { name: 'x', reason: 'not known' },
    ]

    const { jobId } = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, ignoredParameters })

    const files = await untilComplete(fixture.exportJobs, jobId)
    const [file, ...others] = files.filter(({ kind }) => kind === 'outcome')
    expect(others).toEqual([])
    expect(file).toMatchObject({ type: 'OperationOutcome', resourceCount: 2 })
    if (file === undefined) return
    const [first, second] = (await readOutputFile(fixture.exportJobs, { jobId, file })).split('\n')
    expect(JSON.parse(first ?? '')).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'warning', diagnostics: 'Parameter _elements was ignored: not supported' },
      ],
    })
    expect(second).toContain('Parameter x')
  })

  test('goes on over what cannot be read, and reports it in an outcome file', async () => {
    const issue = { severity: 'error', code: 'exception', diagnostics: 'Unreadable' } as const
    await using fixture = await startExports([{ ...PATIENTS, issues: [issue] }])

    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

    const files = await untilComplete(fixture.exportJobs, jobId)
    expect(files.map(({ kind, resourceCount }) => [kind, resourceCount])).toEqual([
      ['output', 100],
      ['outcome', 15],
    ])
    for (const file of files) await readOutputFile(fixture.exportJobs, { jobId, file })
  })

  test('serves ranges of its files as stored, and only while it is complete', async () => {
    await using fixture = await startExports([{ ...PATIENTS, gate: 'go' }], { compression: 'none' })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await open(fixture, 'go')
    const [file] = await untilComplete(fixture.exportJobs, jobId)
    const key = { jobId, fileId: file?.fileId ?? '' }

    const found = await fixture.exportJobs.findFile(key)
    const stream = await fixture.exportJobs.openFile(key, { start: 1, end: 14 })

    expect(found?.file).toEqual(file)
    expect(stream && (await buffer(stream)).toString()).toBe('"resourceType"')
    expect(await fixture.exportJobs.findFile({ ...key, fileId: '0'.repeat(32) })).toBeUndefined()
    expect(await fixture.exportJobs.findFile({ ...key, jobId: '0'.repeat(32) })).toBeUndefined()
  })
})

describe('a status', () => {
  test('is in progress for a minimum time, even when the work is done', async () => {
    let nowMs = Date.UTC(2030, 0, 1)
    const clock = (): Date => new Date(nowMs)
    await using fixture = await startExports([PATIENTS], { clock, minimumInProgressMs: 1000 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await eventually('the end', () => eventsNamed(fixture, 'job-complete')[0])

    nowMs += 999
    expect(await fixture.exportJobs.status(jobId)).toMatchObject({
      state: 'in-progress',
      percent: 99,
      retryAfterSeconds: 1,
    })
    nowMs += 1
    expect(await fixture.exportJobs.status(jobId)).toMatchObject({ state: 'complete' })
  })

  test('tells a percentage that never falls and is below 100 until the end', async () => {
    const types = [{ ...OBSERVATIONS, fault: { kind: 'throw', once: 'thrown' } } as const]
    await using fixture = await startExports(types, { partitionBytes: 10_000 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

    const percents: number[] = []
    await eventually('the end', async () => {
      const status = await fixture.exportJobs.status(jobId)
      if (status?.state !== 'in-progress') return status
      percents.push(status.percent)
      expect(status.progress).toMatch(new RegExp(`^${status.percent}% complete`))
      expect(status.progress.length).toBeLessThan(100)
      return undefined
    })

    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.every((percent) => percent >= 0 && percent < 100)).toBe(true)
  })

  test('of a job that nobody knows is undefined', async () => {
    await using fixture = await startExports([])

    expect(await fixture.exportJobs.status('0'.repeat(32))).toBeUndefined()
    expect(await fixture.exportJobs.status('../x')).toBeUndefined()
    expect(await fixture.exportJobs.delete('../x')).toBe(false)
  })
})

describe('failures', () => {
  test.each(['throw', 'exit', 'uncaught'] as const)(
    'a partition that fails once is done again (%s)',
    async (kind) => {
      const types = [PATIENTS, { ...OBSERVATIONS, fault: { kind, once: 'failed' } }]
      await using fixture = await startExports(types, { partitionBytes: 100_000, workers: 1 })

      const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

      expect(await countIds(fixture.exportJobs, jobId)).toEqual(everyIdOnce(types))
      // Lost in company with a partition that is being flushed, it has not failed for sure.
      const failures = eventsNamed(fixture, 'partition-failed')
      const losses = eventsNamed(fixture, 'worker-lost')
      expect(kind === 'throw' ? failures : losses).toHaveLength(1)
      expect(kind === 'throw' ? losses : failures.slice(1)).toHaveLength(0)
      const files = await untilComplete(fixture.exportJobs, jobId)
      const names = files.map(({ fileId }) => `${jobId}/${fileId}`)
      expect(await storedNames(fixture.filesDirectory)).toEqual(names.sort())
    },
  )

  test.each(['throw', 'exit', 'uncaught'] as const)(
    'a partition that always fails fails its job, and no other (%s)',
    async (kind) => {
      const types = [PATIENTS, { ...OBSERVATIONS, fault: { kind } }]
      await using fixture = await startExports(types, { partitionBytes: 100_000 })

      const failing = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
      const query = { level: 'system', types: ['Patient'] } as const
      const healthy = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, query })

      const status = await untilEnded(fixture.exportJobs, failing.jobId)
      expect(status).toMatchObject({ state: 'error', issue: { severity: 'fatal' } })
      expect(JSON.stringify([status, fixture.events])).not.toContain('Smith')
      expect(await countIds(fixture.exportJobs, healthy.jobId)).toEqual(everyIdOnce([PATIENTS]))
      // The client may know of the failure before the files are gone.
      await eventually('the removal of the files', async () => {
        const names = await storedNames(fixture.filesDirectory)
        return names.some((name) => name.startsWith(failing.jobId)) ? undefined : true
      })
    },
  )

  test('a plan that fails is made again, and fails the job when it fails too often', async () => {
    await using fixture = await startExports([PATIENTS], { maxAttempts: 3 })

    fixture.resources.planFailures = 2
    const lucky = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    expect((await untilEnded(fixture.exportJobs, lucky.jobId)).state).toBe('complete')
    fixture.resources.planFailures = 3
    const unlucky = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    const status = await untilEnded(fixture.exportJobs, unlucky.jobId)

    expect(status).toMatchObject({ state: 'error' })
    expect(JSON.stringify(status)).toContain('PLAN_UNREADABLE')
    expect(JSON.stringify(status)).not.toContain('Smith')
  })

  test('a job that failed stays failed after a restart, until it expires', async () => {
    let nowMs = Date.UTC(2030, 0, 1)
    const clock = (): Date => new Date(nowMs)
    const types = [{ ...PATIENTS, fault: { kind: 'throw' } } as const]
    await using fixture = await startExports(types, { clock, retentionMs: 1000 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await untilEnded(fixture.exportJobs, jobId)

    await using again = await fixture.restart()

    expect(await again.exportJobs.status(jobId)).toMatchObject({ state: 'error' })
    nowMs += 1000
    expect(await again.exportJobs.status(jobId)).toBeUndefined()
    await again.exportJobs.sweep()
    expect(await again.jobs.find(jobId)).toBeUndefined()
  })
})

describe('deleting', () => {
  test('stops the work and removes the files', async () => {
    const types = [PATIENTS, { ...OBSERVATIONS, gate: 'never' }]
    await using fixture = await startExports(types, { partitionBytes: 30_000 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await untilWaitingAt(fixture, 'never')
    await eventually('a file', () => eventsNamed(fixture, 'partition-committed')[0])

    const deleting = fixture.exportJobs.delete(jobId)
    await eventually('404', async () => {
      return (await fixture.exportJobs.status(jobId)) === undefined ? true : undefined
    })
    await open(fixture, 'never')

    expect(await deleting).toBe(true)
    expect(await fixture.exportJobs.delete(jobId)).toBe(false)
    expect(await storedNames(fixture.filesDirectory)).toEqual([])
    expect(eventsNamed(fixture, 'job-complete')).toEqual([])
  })

  test('ends a reader that hangs, and the thread is replaced', async () => {
    const types = [PATIENTS, { ...OBSERVATIONS, fault: { kind: 'hang' } } as const]
    await using fixture = await startExports(types, { workers: 1, graceMs: 20 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await eventually('a half-written file', async () => {
      return (await storedNames(fixture.filesDirectory))[0]
    })

    expect(await fixture.exportJobs.delete(jobId)).toBe(true)

    expect(await storedNames(fixture.filesDirectory)).toEqual([])
    const query = { level: 'system', types: ['Patient'] } as const
    const next = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, query })
    expect(await countIds(fixture.exportJobs, next.jobId)).toEqual(everyIdOnce([PATIENTS]))
  })

  test('works at every moment of a job', async () => {
    await using fixture = await startExports([PATIENTS, OBSERVATIONS], { partitionBytes: 20_000 })

    for (const turns of Array.from({ length: 30 }).keys()) {
      const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
      for (let turn = 0; turn < turns; turn += 1) await fixture.exportJobs.status(jobId)
      expect(await fixture.exportJobs.delete(jobId)).toBe(true)
      expect(await fixture.exportJobs.status(jobId)).toBeUndefined()
    }

    expect(await storedNames(fixture.filesDirectory)).toEqual([])
    expect(eventsNamed(fixture, 'job-failed')).toEqual([])
  })
})

describe('expiry', () => {
  test('removes a job and its files once its time is over, not before', async () => {
    let nowMs = Date.UTC(2030, 0, 1)
    const clock = (): Date => new Date(nowMs)
    await using fixture = await startExports([PATIENTS], { clock, retentionMs: 60_000 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    const [file] = await untilComplete(fixture.exportJobs, jobId)
    const key = { jobId, fileId: file?.fileId ?? '' }

    nowMs += 59_999
    await fixture.exportJobs.sweep()
    expect(await fixture.exportJobs.findFile(key)).toBeDefined()
    nowMs += 1
    expect(await fixture.exportJobs.status(jobId)).toBeUndefined()
    expect(await fixture.exportJobs.findFile(key)).toBeUndefined()
    await fixture.exportJobs.sweep()

    expect(await fixture.jobs.find(jobId)).toBeUndefined()
    expect(await storedNames(fixture.filesDirectory)).toEqual([])
    expect(eventsNamed(fixture, 'job-expired')).toEqual([{ name: 'job-expired', jobId }])
  })

  test('sweeps by itself', async () => {
    await using fixture = await startExports([PATIENTS], { retentionMs: 1, sweepIntervalMs: 5 })

    await fixture.exportJobs.kickOff(SYSTEM_EXPORT)

    await eventually('the expiry', () => eventsNamed(fixture, 'job-expired')[0])
  })

  test('prunes no version that an unfinished job still reads', async () => {
    let nowMs = Date.UTC(2030, 0, 1)
    const clock = (): Date => new Date(nowMs)
    const types = [{ ...PATIENTS, gate: 'go' }]
    await using fixture = await startExports(types, { clock, pruneAfterMs: 60_000 })
    await fixture.exportJobs.sweep()
    const { jobId, snapshot } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    nowMs += 3_600_000
    await fixture.exportJobs.sweep()
    await open(fixture, 'go')
    await untilComplete(fixture.exportJobs, jobId)
    await fixture.exportJobs.sweep()

    expect(fixture.resources.prunedBefore).toEqual([
      new Date(Date.UTC(2030, 0, 1) - 60_000),
      snapshot.transactionTime,
      new Date(nowMs - 60_000),
    ])
  })
})

describe('parking', () => {
  test('lets running partitions finish and leaves the rest to the next process', async () => {
    const types = [{ ...OBSERVATIONS, gate: 'go' }]
    await using fixture = await startExports(types, { partitionBytes: 50_000, workers: 1 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await untilWaitingAt(fixture, 'go')

    const parking = fixture.exportJobs.park()
    await open(fixture, 'go')
    await parking

    expect(eventsNamed(fixture, 'partition-committed')).toHaveLength(1)
    expect(await fixture.exportJobs.status(jobId)).toMatchObject({ state: 'in-progress' })
    await expect(fixture.exportJobs.kickOff(SYSTEM_EXPORT)).rejects.toMatchObject({
      code: 'SERVER_STOPPING',
      retryable: true,
    })
    await using again = await fixture.restart()
    expect(await countIds(again.exportJobs, jobId)).toEqual(everyIdOnce(types))
    expect(eventsNamed(again, 'partition-committed')).toHaveLength(4)
  })

  test('abandons what does not finish in time, to be done again', async () => {
    const types = [{ ...PATIENTS, gate: 'later' }, OBSERVATIONS]
    await using fixture = await startExports(types, { graceMs: 20, workers: 1 })
    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await untilWaitingAt(fixture, 'later')

    await fixture.exportJobs.park()

    expect(eventsNamed(fixture, 'job-failed')).toEqual([])
    await open(fixture, 'later')
    await using again = await fixture.restart()
    expect(await countIds(again.exportJobs, jobId)).toEqual(everyIdOnce(types))
  })
})

describe('fairness', () => {
  test('a small job passes a large one of another client, and of the same one', async () => {
    const types = [{ ...OBSERVATIONS, count: 4000 }, PATIENTS]
    await using fixture = await startExports(types, { partitionBytes: 5_000, workers: 1 })
    const query = { level: 'system', types: ['Patient'] } as const
    const large = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, clientId: 'large' })
    await eventually('the large job at work', () => eventsNamed(fixture, 'partition-committed')[0])

    const other = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, query, clientId: 'other' })
    const same = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, query, clientId: 'large' })
    for (const { jobId } of [other, same, large]) await untilComplete(fixture.exportJobs, jobId)

    const ends = eventsNamed(fixture, 'job-complete').map(({ jobId }) => jobId)
    expect(ends).toEqual([other.jobId, same.jobId, large.jobId])
  })

  test('the largest partition of a job goes first', async () => {
    const types = (['Patient', 'Group', 'Device', 'Goal'] as const).map((type, n) => {
      return { ...PATIENTS, type, count: [20, 40, 10, 30][n] ?? 0 }
    })
    await using fixture = await startExports(types, { workers: 1 })

    const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
    await untilComplete(fixture.exportJobs, jobId)

    const order = await readFile(join(fixture.directory, 'read-order'), 'utf8')
    expect(order.trim().split('\n')).toEqual(['Group', 'Goal', 'Patient', 'Device'])
  })

  test('counts the unfinished jobs of a client', async () => {
    await using fixture = await startExports([{ ...PATIENTS, gate: 'go' }])
    const { jobId } = await fixture.exportJobs.kickOff({ ...SYSTEM_EXPORT, clientId: 'a' })

    expect(await fixture.exportJobs.countUnfinished('a')).toBe(1)
    expect(await fixture.exportJobs.countUnfinished('b')).toBe(0)

    await open(fixture, 'go')
    await untilComplete(fixture.exportJobs, jobId)
    expect(await fixture.exportJobs.countUnfinished('a')).toBe(0)
  })
})

test.each([
  ['workers', { workers: 0 }],
  ['gzipLevel', { gzipLevel: 10 }],
  ['maxFileBytes', { maxFileBytes: 1.5 }],
  ['pruneAfterMs', { pruneAfterMs: 1000 }],
])('refuses a wrong option and names it: %s', async (name, options) => {
  await using fixture = await startExports([])
  const { resources, jobs, files } = fixture

  const starting = ExportJobs.start({ resources, jobs, files, ...options })

  await expect(starting).rejects.toThrow(new RegExp(`^Option ${name} `))
})
