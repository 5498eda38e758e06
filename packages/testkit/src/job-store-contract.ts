import type { Job, JobStore, NewJob, OutputFile, Partition } from '@flatfhir/server'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'

/** Opens the store of one place; called again, it is the same store after a restart. */
export type OpenJobStore = () => Promise<JobStore>

/**
 * What every `JobStore` must do. Call it once per implementation.
 *
 * @param name - Of the implementation, for the report.
 * @param makePlace - Makes an empty place of its own and returns how to open the store there.
 */
export function jobStoreContract(name: string, makePlace: () => Promise<OpenJobStore>): void {
  describe(`${name} is a JobStore`, () => {
    const opened: JobStore[] = []

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
    })

    /** Makes a place with one open store; `reopen` closes it and opens it again. */
    async function openStore(): Promise<{ store: JobStore; reopen: () => Promise<JobStore> }> {
      const open = await makePlace()
      const store = await open()
      opened.push(store)
      const reopen = async (): Promise<JobStore> => {
        await store[Symbol.asyncDispose]()
        const again = await open()
        opened.splice(opened.indexOf(store), 1, again)
        return again
      }
      return { store, reopen }
    }

    describe('jobs', () => {
      test('reads back every field of a job, also after a restart', async () => {
        const { store, reopen } = await openStore()
        const job = newJob({ clientId: 'client-1' })

        await store.insert(job)

        const expected: Job = { ...job, state: { name: 'accepted' } }
        expect(await store.find(job.jobId)).toEqual(expected)
        expect(await (await reopen()).find(job.jobId)).toEqual(expected)
      })

      test('keeps a job without a client without one', async () => {
        const { store } = await openStore()
        const job = newJob()

        await store.insert(job)

        expect(await store.find(job.jobId)).not.toHaveProperty('clientId')
      })

      test('keeps what the client wrote to the letter', async () => {
        const { store } = await openStore()
        const requestUrl = `https://example.org/fhir/$export?_type=Patient&x='";--%00 é😀`
        const job = newJob({ requestUrl })

        await store.insert(job)

        expect((await store.find(job.jobId))?.requestUrl).toBe(requestUrl)
      })

      test('refuses a second job of the same id, and keeps the first', async () => {
        const { store } = await openStore()
        const job = newJob()
        await store.insert(job)

        await expect(store.insert({ ...job, requestUrl: 'https://other' })).rejects.toThrow()

        expect((await store.find(job.jobId))?.requestUrl).toBe(job.requestUrl)
      })

      test('knows nothing of ids that it was never given', async () => {
        const { store } = await openStore()
        const jobId = randomId()

        expect(await store.find(jobId)).toBeUndefined()
        expect(await store.partitions(jobId)).toEqual([])
        expect(await store.files(jobId)).toEqual([])
        expect(await store.committedFiles(jobId, { skip: 0, limit: 9 })).toEqual([])
        expect(await store.countFiles(jobId)).toBe(0)
        expect(await store.findFile(jobId, randomId())).toBeUndefined()
        expect(await store.commitPartition(jobId, 0, [outputFile()])).toBe(false)
        expect(await store.beginAttempt(jobId, 0)).toBe(0)
        expect(await store.complete(jobId, times())).toBe(false)
        expect(await store.fail(jobId, failure())).toBe(false)
        expect(await store.delete(jobId)).toBe(false)
        await store.savePlan(jobId, [partition()])
        expect(await store.partitions(jobId)).toEqual([])
      })

      test('lists unfinished jobs, oldest first, and counts them by client', async () => {
        const { store, reopen } = await openStore()
        const [accepted, running, complete, failed] = [
          newJob({ clientId: 'a' }),
          newJob({ clientId: 'b' }),
          newJob({ clientId: 'a' }),
          newJob(),
        ] as const
        for (const job of [accepted, running, complete, failed]) await store.insert(job)
        await store.savePlan(running.jobId, [partition()])
        await store.savePlan(complete.jobId, [])
        await store.complete(complete.jobId, times())
        await store.fail(failed.jobId, failure())
        const youngest = newJob()
        await store.insert(youngest)

        const again = await reopen()

        const unfinished = await again.unfinished()
        expect(unfinished.map((job) => [job.jobId, job.state.name])).toEqual([
          [accepted.jobId, 'accepted'],
          [running.jobId, 'running'],
          [youngest.jobId, 'accepted'],
        ])
        expect(await again.countUnfinished('a')).toBe(1)
        expect(await again.countUnfinished('b')).toBe(1)
        expect(await again.countUnfinished('c')).toBe(0)
        expect(await again.countUnfinished(undefined)).toBe(1)
      })
    })

    describe('plans', () => {
      test('saves a plan, which makes the job running', async () => {
        const { store, reopen } = await openStore()
        const job = await insertJob(store)
        const plan = [
          partition({ type: 'Patient' }),
          partition({ type: 'Group', selector: '{"é"' }),
        ]

        await store.savePlan(job.jobId, plan)

        const again = await reopen()
        expect((await again.find(job.jobId))?.state).toEqual({ name: 'running' })
        expect(await again.partitions(job.jobId)).toEqual([
          { index: 0, partition: plan[0], committed: false },
          { index: 1, partition: plan[1], committed: false },
        ])
      })

      test('keeps the first plan when a second comes', async () => {
        const { store } = await openStore()
        const job = await insertPlannedJob(store, 2)

        await store.savePlan(job.jobId, [partition({ selector: 'other' })])

        expect(await store.partitions(job.jobId)).toHaveLength(2)
      })

      test('leaves a finished job finished when a plan comes late', async () => {
        const { store } = await openStore()
        const job = await insertJob(store)
        await store.fail(job.jobId, failure())

        await store.savePlan(job.jobId, [partition()])

        expect((await store.find(job.jobId))?.state.name).toBe('failed')
        expect(await store.partitions(job.jobId)).toEqual([])
      })

      test('keeps the order of ten thousand partitions', async () => {
        const { store } = await openStore()
        const job = await insertJob(store)
        const plan = Array.from({ length: 10_000 }, (_, n) => partition({ selector: `${n}` }))

        await store.savePlan(job.jobId, plan)

        const saved = await store.partitions(job.jobId)
        expect(saved.map(({ partition: { selector } }) => selector)).toEqual(
          plan.map(({ selector }) => selector),
        )
      })
    })

    describe('partitions', () => {
      test('commits a partition together with its files, durably', async () => {
        const { store, reopen } = await openStore()
        const job = await insertPlannedJob(store, 2)
        const files = [
          outputFile({ storedEncoding: 'gzip', continuesInFileId: randomId() }),
          outputFile({ bytes: 2 ** 40 }),
        ]

        expect(await store.commitPartition(job.jobId, 1, files)).toBe(true)

        const again = await reopen()
        expect(await again.files(job.jobId)).toEqual(files)
        expect((await again.partitions(job.jobId)).map(({ committed }) => committed)).toEqual([
          false,
          true,
        ])
        expect(await again.findFile(job.jobId, files[0]?.fileId ?? '')).toEqual(files[0])
      })

      test('lists files in the order of the partitions, whatever order they came in', async () => {
        const { store } = await openStore()
        const job = await insertPlannedJob(store, 3)
        const [first, second, third, fourth] = [
          outputFile(),
          outputFile(),
          outputFile(),
          outputFile(),
        ] as const

        await store.commitPartition(job.jobId, 2, [fourth])
        await store.commitPartition(job.jobId, 0, [first])
        await store.commitPartition(job.jobId, 1, [second, third])

        expect(await store.files(job.jobId)).toEqual([first, second, third, fourth])
      })

      test('lists files in the order of the commits, which only gets longer', async () => {
        const { store, reopen } = await openStore()
        const job = await insertPlannedJob(store, 4)
        const [a, b, c, d] = [outputFile(), outputFile(), outputFile(), outputFile()] as const
        const ofAnother = await insertPlannedJob(store, 1)

        await store.commitPartition(job.jobId, 2, [a, b])
        expect(await store.committedFiles(job.jobId, { skip: 0, limit: 9 })).toEqual([a, b])
        await store.commitPartition(ofAnother.jobId, 0, [outputFile()])
        await store.commitPartition(job.jobId, 3, [])
        const again = await reopen()
        await again.commitPartition(job.jobId, 0, [c])
        await again.commitPartition(job.jobId, 1, [d])

        expect(await again.committedFiles(job.jobId, { skip: 0, limit: 9 })).toEqual([a, b, c, d])
        expect(await again.committedFiles(job.jobId, { skip: 1, limit: 2 })).toEqual([b, c])
        expect(await again.countFiles(job.jobId)).toBe(4)
      })

      test('commits a partition once, also when two try at the same time', async () => {
        const { store } = await openStore()
        const job = await insertPlannedJob(store, 1)
        const attempts = Array.from({ length: 10 }, () => [outputFile()])

        const results = await Promise.all(
          attempts.map((files) => store.commitPartition(job.jobId, 0, files)),
        )

        expect(results.filter((committed) => committed)).toHaveLength(1)
        expect(await store.files(job.jobId)).toEqual(attempts[results.indexOf(true)])
        expect(await store.commitPartition(job.jobId, 0, [outputFile()])).toBe(false)
        expect(await store.files(job.jobId)).toHaveLength(1)
      })

      test('commits nothing of a partition when one of its files cannot be kept', async () => {
        const { store } = await openStore()
        const job = await insertPlannedJob(store, 2)
        const taken = outputFile()
        await store.commitPartition(job.jobId, 0, [taken])

        await expect(store.commitPartition(job.jobId, 1, [outputFile(), taken])).rejects.toThrow()

        expect(await store.files(job.jobId)).toEqual([taken])
        expect((await store.partitions(job.jobId))[1]?.committed).toBe(false)
        expect(await store.commitPartition(job.jobId, 1, [outputFile()])).toBe(true)
      })

      test('commits no partition that the plan does not have', async () => {
        const { store } = await openStore()
        const job = await insertPlannedJob(store, 1)

        expect(await store.commitPartition(job.jobId, 1, [outputFile()])).toBe(false)

        expect(await store.files(job.jobId)).toEqual([])
      })

      test('counts the starts of a partition over restarts, until it is committed', async () => {
        const { store, reopen } = await openStore()
        const job = await insertPlannedJob(store, 2)

        expect(await store.beginAttempt(job.jobId, 0)).toBe(1)
        expect(await store.beginAttempt(job.jobId, 0)).toBe(2)
        const again = await reopen()
        expect(await again.beginAttempt(job.jobId, 0)).toBe(3)
        expect(await again.beginAttempt(job.jobId, 1)).toBe(1)
        await again.commitPartition(job.jobId, 0, [])

        expect(await again.beginAttempt(job.jobId, 0)).toBe(0)
      })

      test('finds a file only under its own job', async () => {
        const { store } = await openStore()
        const [mine, other] = [
          await insertPlannedJob(store, 1),
          await insertPlannedJob(store, 1),
        ] as const
        const file = outputFile()
        await store.commitPartition(mine.jobId, 0, [file])

        expect(await store.findFile(mine.jobId, file.fileId)).toEqual(file)
        expect(await store.findFile(other.jobId, file.fileId)).toBeUndefined()
        expect(await store.files(other.jobId)).toEqual([])
      })
    })

    describe('ends', () => {
      test('completes a job only when every partition is committed', async () => {
        const { store, reopen } = await openStore()
        const job = await insertPlannedJob(store, 2)
        const { completedAt, expiresAt } = times()

        expect(await store.complete(job.jobId, { completedAt, expiresAt })).toBe(false)
        await store.commitPartition(job.jobId, 0, [])
        expect(await store.complete(job.jobId, { completedAt, expiresAt })).toBe(false)
        await store.commitPartition(job.jobId, 1, [outputFile()])
        expect(await store.complete(job.jobId, { completedAt, expiresAt })).toBe(true)

        const state = (await (await reopen()).find(job.jobId))?.state
        expect(state).toEqual({ name: 'complete', completedAt, expiresAt })
      })

      test('completes a job whose plan is empty, and none that has no plan', async () => {
        const { store } = await openStore()
        const planned = await insertPlannedJob(store, 0)
        const accepted = await insertJob(store)

        expect(await store.complete(planned.jobId, times())).toBe(true)
        expect(await store.complete(accepted.jobId, times())).toBe(false)
      })

      test.each(['accepted', 'running'])('fails a job that is %s, and says why', async (state) => {
        const { store, reopen } = await openStore()
        const job = state === 'accepted' ? await insertJob(store) : await insertPlannedJob(store, 1)
        const { issue, expiresAt } = failure()

        expect(await store.fail(job.jobId, { issue, expiresAt })).toBe(true)

        const found = await (await reopen()).find(job.jobId)
        expect(found?.state).toEqual({ name: 'failed', issue, expiresAt })
      })

      test('never changes how a job ended', async () => {
        const { store } = await openStore()
        const complete = await insertPlannedJob(store, 0)
        const failed = await insertPlannedJob(store, 1)
        await store.complete(complete.jobId, times())
        await store.fail(failed.jobId, failure())

        expect(await store.fail(complete.jobId, failure())).toBe(false)
        expect(await store.complete(complete.jobId, times())).toBe(false)
        expect(await store.complete(failed.jobId, times())).toBe(false)
        expect(await store.fail(failed.jobId, failure())).toBe(false)
        expect(await store.commitPartition(failed.jobId, 0, [outputFile()])).toBe(false)
        expect(await store.beginAttempt(failed.jobId, 0)).toBe(0)

        expect((await store.find(complete.jobId))?.state.name).toBe('complete')
        expect((await store.find(failed.jobId))?.state.name).toBe('failed')
        expect(await store.files(failed.jobId)).toEqual([])
      })

      test('names what has expired, to the millisecond, and nothing unfinished', async () => {
        const { store } = await openStore()
        const [early, late, failed] = [
          await insertPlannedJob(store, 0),
          await insertPlannedJob(store, 0),
          await insertPlannedJob(store, 0),
        ] as const
        await insertPlannedJob(store, 1)
        await insertJob(store)
        const at = (ms: number): Date => new Date(Date.UTC(2031, 0, 1) + ms)
        await store.complete(early.jobId, { completedAt: at(0), expiresAt: at(1000) })
        await store.complete(late.jobId, { completedAt: at(0), expiresAt: at(2000) })
        await store.fail(failed.jobId, { ...failure(), expiresAt: at(1500) })

        expect(await store.expired(at(999))).toEqual([])
        expect(await store.expired(at(1000))).toEqual([early.jobId])
        expect(await store.expired(at(1999))).toEqual([early.jobId, failed.jobId])
        expect(await store.expired(at(2000))).toEqual([early.jobId, failed.jobId, late.jobId])
      })

      test('forgets a deleted job with everything of it, and nothing else', async () => {
        const { store, reopen } = await openStore()
        const [job, other] = [
          await insertPlannedJob(store, 1),
          await insertPlannedJob(store, 1),
        ] as const
        const [file, otherFile] = [outputFile(), outputFile()] as const
        await store.commitPartition(job.jobId, 0, [file])
        await store.commitPartition(other.jobId, 0, [otherFile])

        expect(await store.delete(job.jobId)).toBe(true)

        const again = await reopen()
        expect(await again.delete(job.jobId)).toBe(false)
        expect(await again.find(job.jobId)).toBeUndefined()
        expect(await again.files(job.jobId)).toEqual([])
        expect(await again.findFile(job.jobId, file.fileId)).toBeUndefined()
        expect(await again.partitions(job.jobId)).toEqual([])
        expect(await again.commitPartition(job.jobId, 0, [file])).toBe(false)
        expect(await again.files(other.jobId)).toEqual([otherFile])
      })

      test('takes many calls at once', async () => {
        const { store } = await openStore()
        const jobs = Array.from({ length: 50 }, () => newJob())

        await Promise.all(
          jobs.map(async (job) => {
            await store.insert(job)
            await store.savePlan(job.jobId, [partition(), partition()])
            await Promise.all(
              [0, 1].map((n) => store.commitPartition(job.jobId, n, [outputFile()])),
            )
            await store.complete(job.jobId, times())
          }),
        )

        const states = await Promise.all(jobs.map(({ jobId }) => store.find(jobId)))
        expect(states.map((job) => job?.state.name)).toEqual(jobs.map(() => 'complete'))
        expect(await store.unfinished()).toEqual([])
      })
    })
  })
}

function randomId(): string {
  return randomBytes(16).toString('hex')
}

function newJob(fields: Partial<NewJob> = {}): NewJob {
  return {
    jobId: randomId(),
    level: 'group',
    requestUrl: 'https://example.org/fhir/Group/1/$export',
    query: { level: 'group', groupId: '1', types: ['Patient', 'Group'], sinceMs: 1, untilMs: 2 },
    reply: { edition: 'stu4', allowPartialManifests: true, separateExportStatus: false },
    snapshot: {
      transactionTime: new Date('2030-02-28T23:59:59.999Z'),
      position: '{"version":"7"}',
    },
    ignoredParameters: [{ name: '_elements', reason: 'is not supported' }],
    createdAt: new Date('2030-03-01T00:00:00.001Z'),
    ...fields,
  }
}

async function insertJob(store: JobStore): Promise<NewJob> {
  const job = newJob()
  await store.insert(job)
  return job
}

async function insertPlannedJob(store: JobStore, partitionCount: number): Promise<NewJob> {
  const job = await insertJob(store)
  await store.savePlan(
    job.jobId,
    Array.from({ length: partitionCount }, () => partition()),
  )
  return job
}

function partition(fields: Partial<Partition> = {}): Partition {
  return { kind: 'output', type: 'Patient', estimatedBytes: 1, selector: '{}', ...fields }
}

function outputFile(fields: Partial<OutputFile> = {}): OutputFile {
  return {
    fileId: randomId(),
    kind: 'output',
    type: 'Patient',
    resourceCount: 12,
    bytes: 3456,
    sha256: randomBytes(32).toString('hex'),
    storedEncoding: 'identity',
    storedBytes: 3456,
    storedSha256: randomBytes(32).toString('hex'),
    ...fields,
  }
}

function times(): { completedAt: Date; expiresAt: Date } {
  return {
    completedAt: new Date('2030-03-01T01:00:00.123Z'),
    expiresAt: new Date('2030-03-02T01:00:00.456Z'),
  }
}

function failure(): Parameters<JobStore['fail']>[1] {
  const issue = { severity: 'fatal', code: 'exception', diagnostics: 'The disk is full' } as const
  return { issue, expiresAt: new Date('2030-03-02T01:00:00.789Z') }
}
