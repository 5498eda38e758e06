import { spawn } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readReceipt } from '@flatfhir/client'
import type { MisbehavingProvider, ScriptedFile } from '@flatfhir/testkit'
import { filesIn, ndjson, startProvider, temporaryDirectory } from './fixtures.ts'

/** More with FLATFHIR_SOAK_RUNS; each seed kills at other moments. */
const SEEDS = Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 3)
const CHILD = fileURLToPath(new URL('export-process.mjs', import.meta.url))
const PACE = { bytes: 40_000, pauseMs: 10 }

const FILES: readonly ScriptedFile[] = [
  { type: 'Patient', content: ndjson('Patient', 100) },
  { type: 'Observation', content: ndjson('Observation', 8000), always: { pace: PACE } },
  {
    type: 'Condition',
    content: ndjson('Condition', 8000),
    always: { coding: 'identity', pace: PACE },
  },
  {
    type: 'Encounter',
    content: ndjson('Encounter', 3000),
    always: { etag: null, framing: 'chunked', coding: 'identity', pace: PACE },
  },
  { type: 'Patient', content: ndjson('Patient', 1) },
]

interface Killed {
  readonly code: number | null
  /** Places in the script of the files that had their names when the process died. */
  readonly finished: readonly number[]
  readonly requestsSoFar: number
}

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  'killed at random moments, the export ends as if nothing had been (seed %i)',
  async (seed) => {
    const random = randomOf(seed)
    const provider = await startProvider({
      files: FILES,
      filesPerPage: 2,
      status: [{ status: 202 }],
    })
    const directory = await temporaryDirectory()
    const options = { directory, gzip: seed % 3 === 2 }

    const kills: Killed[] = []
    for (let run = 0; run < 3 && kills.at(-1)?.code !== 0; run += 1) {
      kills.push(await runAndKill(provider, options, random))
    }
    const last = await runAndKill(provider, options, undefined)

    expect(last.code).toBe(0)
    const undisturbed = await temporaryDirectory()
    await runAndKill(provider, { ...options, directory: undisturbed }, undefined)
    await expectSameFiles(directory, undisturbed)
    for (const { finished, requestsSoFar } of kills) {
      const later = provider.requests.slice(requestsSoFar, last.requestsSoFar)
      const again = finished.filter((index) => later.some(({ path }) => path === `/files/${index}`))
      expect(again).toEqual([])
    }
  },
)

async function runAndKill(
  provider: MisbehavingProvider,
  options: { readonly directory: string },
  random: (() => number) | undefined,
): Promise<Killed> {
  const json = JSON.stringify({
    ...{ url: provider.url, level: 'system', edition: 'stu2', profile: 'generic' },
    ...{ verificationThreads: 1, deleteWhenDone: false, concurrency: 2, ...options },
  })
  const child = spawn(process.execPath, [CHILD, json], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (random !== undefined) {
    // A moment of its own for every seed: so many requests later, and then so many milliseconds.
    const until = provider.requests.length + 1 + Math.floor(random() * 8)
    const delayMs = random() * 250
    const isTime = provider.requested(() => provider.requests.length >= until)
    await Promise.race([ended, isTime])
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))])
    child.kill('SIGKILL')
  }
  const code = await ended
  const finished = await finishedFiles(options.directory)
  return { code, finished, requestsSoFar: provider.requests.length }
}

async function finishedFiles(directory: string): Promise<readonly number[]> {
  const names = ['Patient.000', 'Observation.000', 'Condition.000', 'Encounter.000', 'Patient.001']
  const finished: number[] = []
  for (const [index, name] of names.entries()) {
    for (const suffix of ['.ndjson', '.ndjson.gz']) {
      await access(join(directory, name + suffix)).then(
        () => finished.push(index),
        () => undefined,
      )
    }
  }
  return finished
}

async function expectSameFiles(directory: string, undisturbed: string): Promise<void> {
  const names = await filesIn(undisturbed)
  expect(names).toHaveLength(FILES.length)
  expect(await filesIn(directory)).toEqual(names)
  const receipts = await Promise.all(
    [directory, undisturbed].map(async (path) => readReceipt(path)),
  )
  const [facts, expected] = receipts.map(({ verdict, files }) => ({
    verdict,
    files: files.map(({ path, received, state }) => ({ path, received, state })),
  }))
  expect(facts).toEqual(expected)
  for (const name of names.filter((each) => each.endsWith('.ndjson'))) {
    const [one, other] = await Promise.all(
      [directory, undisturbed].map(async (path) => readFile(join(path, name))),
    )
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true)
  }
}

/** A small generator of random numbers: the same seed kills at the same moments. */
function randomOf(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b1
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39)
    state ^= state >>> 15
    return (state >>> 0) / 2 ** 32
  }
}
