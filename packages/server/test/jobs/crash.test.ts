import type { ExportJobsEvent } from '@flatfhir/server'
import { SqliteJobStore } from '@flatfhir/store-sqlite'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import {
  countIds,
  everyIdOnce,
  startExports,
  storedNames,
  SYSTEM_EXPORT,
  untilComplete,
} from './export-fixture.ts'
import { GeneratedResourceStore, type GeneratedType } from './generated-resource-store.ts'

const CHILD = fileURLToPath(new URL('./crash-child.mjs', import.meta.url))
const PARTITION_BYTES = 100_000
/** More with FLATFHIR_SOAK_RUNS; each kills at another moment. */
const SEEDS = Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 12)

const TYPES: readonly GeneratedType[] = [
  { type: 'Patient', count: 300, lineBytes: 500, linesPerBlock: 20 },
  { type: 'Observation', count: 2_000, lineBytes: 400, linesPerBlock: 50 },
]

/** A server process; its events as they come. */
async function startChild(
  directory: string,
  input: { readonly types: readonly GeneratedType[]; readonly kickOff?: object; options?: object },
): Promise<{ events: AsyncIterable<ExportJobsEvent>; kill: () => Promise<void> }> {
  const store = new GeneratedResourceStore(directory, input.types)
  const snapshot = await store.takeSnapshot()
  const limits = { maxPartitionBytes: PARTITION_BYTES }
  const plan = await store.planExport({ level: 'system' }, snapshot, limits)
  const { kickOff, options } = input
  const argument = JSON.stringify({ directory, plan, kickOff, options })
  const child = spawn(process.execPath, [CHILD, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    events: (async function* () {
      for await (const line of createInterface({ input: child.stdout })) {
        yield JSON.parse(line) as ExportJobsEvent
      }
    })(),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A small generator of repeatable numbers (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Kills the process some events and a moment after its start, or when the job is complete. */
async function killSomewhere(
  child: Awaited<ReturnType<typeof startChild>>,
  at: { readonly events: number; readonly ms: number },
): Promise<void> {
  let seen = 0
  for await (const event of child.events) {
    seen += 1
    if (seen >= at.events || event.name === 'job-complete') break
  }
  // Not to wait for something, but to hit a random moment of the work.
  await delay(at.ms)
  await child.kill()
}

let cutOff = 0

afterAll(() => {
  // Most of the kills must have hit a job at work, or the seeds prove nothing.
  expect(cutOff).toBeGreaterThan(SEEDS / 2)
})

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  'after kill -9 a job completes with every resource exactly once (seed %i)',
  async (seed) => {
    const pick = random(seed)
    const directory = await mkdtemp(join(tmpdir(), 'flatfhir-crash-'))
    const ignoredParameters = [{ name: '_elements', reason: 'not supported' }]
    const kickOff = { ...SYSTEM_EXPORT, ignoredParameters }

    for (const kills of Array.from({ length: 1 + pick(2) }).keys()) {
      const first = kills === 0 ? { kickOff } : {}
      const child = await startChild(directory, { types: TYPES, ...first })
      await killSomewhere(child, { events: 1 + pick(7), ms: pick(6) })
    }
    const between = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
    const [unfinished] = await between.unfinished()
    const committed = unfinished === undefined ? [] : await between.files(unfinished.jobId)
    await between[Symbol.asyncDispose]()
    await using fixture = await startExports(TYPES, {
      directory,
      partitionBytes: PARTITION_BYTES,
    })
    if (unfinished !== undefined) cutOff += 1
    const jobId = unfinished?.jobId ?? (await onlyJobIn(fixture.filesDirectory))

    const files = await untilComplete(fixture.exportJobs, jobId)

    expect(await countIds(fixture.exportJobs, jobId)).toEqual(everyIdOnce(TYPES))
    expect(files.filter(({ kind }) => kind === 'outcome')).toHaveLength(1)
    // What was committed before is not done again, and nothing else is left.
    expect(files).toEqual(expect.arrayContaining([...committed]))
    const names = files.map(({ fileId }) => `${jobId}/${fileId}`)
    expect(await storedNames(fixture.filesDirectory)).toEqual(names.sort())
  },
)

async function onlyJobIn(filesDirectory: string): Promise<string> {
  const [name = ''] = await storedNames(filesDirectory)
  return name.split('/')[0] ?? ''
}

test('a partition that takes the process down with it fails its job in the end', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-crash-'))
  const types: readonly GeneratedType[] = [
    { type: 'Patient', count: 10, lineBytes: 500, linesPerBlock: 5, fault: { kind: 'kill' } },
  ]
  const options = { maxStarts: 2 }

  const ends: (string | undefined)[] = []
  for (const run of [1, 2, 3]) {
    const first = run === 1 ? { kickOff: SYSTEM_EXPORT } : {}
    const child = await startChild(directory, { types, options, ...first })
    let last: string | undefined
    for await (const { name } of child.events) {
      last = name
      if (name === 'job-failed') break
    }
    await child.kill()
    ends.push(last)
  }

  await rm(directory, { recursive: true })
  expect(ends).toEqual(['job-planned', 'job-resumed', 'job-failed'])
})

test('files of jobs that nobody knows any more are removed at the start', async () => {
  await using fixture = await startExports(TYPES)
  const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
  await untilComplete(fixture.exportJobs, jobId)
  // As if the process had ended between the two steps of a deletion.
  await fixture.jobs.delete(jobId)
  expect(await storedNames(fixture.filesDirectory)).not.toEqual([])

  await using again = await fixture.restart()

  expect(await again.exportJobs.status(jobId)).toBeUndefined()
  expect(await storedNames(fixture.filesDirectory)).toEqual([])
})

test('a complete job and its files survive a restart', async () => {
  await using fixture = await startExports(TYPES)
  const { jobId } = await fixture.exportJobs.kickOff(SYSTEM_EXPORT)
  const before = await untilComplete(fixture.exportJobs, jobId)

  await using again = await fixture.restart()

  expect(await untilComplete(again.exportJobs, jobId)).toEqual(before)
  expect(await countIds(again.exportJobs, jobId)).toEqual(everyIdOnce(TYPES))
  expect(again.events).toEqual([])
})
