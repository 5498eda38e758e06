import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generatePopulation, POPULATION_TYPES, writePopulation } from '../src/index.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-synth-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

test('writes one file per type, with the lines of the generated population', async () => {
  const options = { patients: 40, seed: 'files' }
  const expected = new Map<string, string>()
  for (const { type, line } of generatePopulation(options)) {
    expected.set(type, `${expected.get(type) ?? ''}${line}\n`)
  }

  const summary = await writePopulation({ ...options, directory: join(directory, 'a', 'b') })

  expect(summary.files.map(({ type }) => type)).toEqual(POPULATION_TYPES)
  for (const file of summary.files) {
    const text = await readFile(file.path, 'utf8')
    expect(digest(text)).toBe(digest(expected.get(file.type) ?? ''))
    expect(file.bytes).toBe(Buffer.byteLength(text))
    expect(file.resourceCount).toBe(text.split('\n').length - 1)
  }
  expect(summary.bytes).toBe(summary.files.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(summary.resourceCount).toBe(
    summary.files.reduce((sum, { resourceCount }) => sum + resourceCount, 0),
  )
  expect((await readdir(join(directory, 'a', 'b'))).sort()).toEqual(
    POPULATION_TYPES.map((type) => `${type}.ndjson`),
  )
})

test('refuses a directory that holds NDJSON files, and leaves them as they are', async () => {
  await writeFile(join(directory, 'Claim.ndjson'), '{}\n')

  const error = await failureOf(writePopulation({ patients: 1, directory }))

  expect(error).toMatchObject({ code: 'POPULATION_DIRECTORY_NOT_EMPTY', fileCount: 1 })
  expect(await readdir(directory)).toEqual(['Claim.ndjson'])
})

test('overwrites when it may, and clears what an interrupted run left', async () => {
  await writePopulation({ patients: 3, seed: 'first', directory })
  const before = await readFile(join(directory, 'Patient.ndjson'), 'utf8')
  const leftover = '.Patient.ndjson.00000000-0000-4000-8000-000000000000.part'
  await writeFile(join(directory, leftover), '{"resourceType":')
  await writeFile(join(directory, 'Claim.ndjson'), '{}\n')

  const summary = await writePopulation({
    patients: 3,
    seed: 'second',
    directory,
    overwrite: true,
  })

  expect(await readFile(join(directory, 'Patient.ndjson'), 'utf8')).not.toBe(before)
  const present = summary.files.map(({ type }) => `${type}.ndjson`)
  expect((await readdir(directory)).sort()).toEqual([...present, 'Claim.ndjson'].sort())
})

test('leaves no file of an older population for a type that the new one lacks', async () => {
  await writePopulation({ patients: 30, directory })

  // The one patient of this seed has no plan of care.
  const summary = await writePopulation({ patients: 1, seed: 3, directory, overwrite: true })

  const present = summary.files.map(({ type }) => `${type}.ndjson`)
  expect(present).not.toContain('Goal.ndjson')
  expect((await readdir(directory)).sort()).toEqual(present)
})

test('an abort rejects with the reason of the signal, and no file appears', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')

  const error = await failureOf(
    writePopulation({
      patients: 1000,
      directory,
      signal: controller.signal,
      onProgress: ({ patients }) => {
        if (patients === 12) controller.abort(reason)
      },
    }),
  )

  expect(error).toBe(reason)
  expect(await readdir(directory)).toEqual([])
})

test('tells how far it is', async () => {
  const seen: number[] = []
  let last = 0

  const summary = await writePopulation({
    patients: 5,
    directory,
    onProgress: ({ patients, patientCount, resourceCount, bytes }) => {
      expect(patientCount).toBe(5)
      expect(bytes).toBeGreaterThan(last)
      expect(resourceCount).toBeGreaterThan(0)
      last = bytes
      seen.push(patients)
    },
  })

  expect(seen).toEqual([1, 2, 3, 4, 5])
  expect(summary.bytes).toBeGreaterThanOrEqual(last)
})

test('says which directory cannot be written', async () => {
  const path = join(directory, 'file')
  await writeFile(path, '')

  const error = await failureOf(writePopulation({ patients: 1, directory: join(path, 'below') }))

  expect(error).toMatchObject({ code: 'POPULATION_WRITE_FAILED', directory: join(path, 'below') })
})

test('after kill -9 no file is there, and the next run starts afresh', async () => {
  const child = spawnNode(`
    import { writePopulation } from '@flatfhir/synth'
    await writePopulation({
      patients: 100_000,
      directory: process.argv[1],
      onProgress: ({ patients }) => { if (patients === 20) process.send('under way') },
    })`)
  const exit = once(child, 'exit')
  await once(child, 'message')

  child.kill('SIGKILL')
  await exit

  const leftovers = await readdir(directory)
  expect(leftovers.length).toBeGreaterThan(10)
  expect(leftovers.filter((name) => !name.endsWith('.part'))).toEqual([])
  const summary = await writePopulation({ patients: 2, directory })
  expect((await readdir(directory)).sort()).toEqual(
    summary.files.map(({ type }) => `${type}.ndjson`),
  )
})

test.each([
  {
    doing: 'generating',
    statement: 'for (const _ of generatePopulation({ patients })) continue',
    few: 100,
    many: 1000,
  },
  {
    doing: 'writing',
    statement: 'await writePopulation({ patients, directory: process.argv[1] })',
    few: 60,
    many: 360,
  },
])(
  'memory does not grow with the population while $doing it',
  { timeout: 120_000 },
  async ({ statement, few, many }) => {
    const small = await peakMegabytes(statement, few)
    const large = await peakMegabytes(statement, many)

    // What is made for many patients alone would be above 130 MB.
    expect(large).toBeLessThan(small + 50)
    expect(large).toBeLessThan(220)
  },
)

/** Peak resident memory of a process of its own; it runs the built package. */
async function peakMegabytes(statement: string, patients: number): Promise<number> {
  const child = spawnNode(`
    import { generatePopulation, writePopulation } from '@flatfhir/synth'
    const patients = ${patients}
    ${statement}
    process.send(process.resourceUsage().maxRSS)`)
  const exit = once(child, 'exit')
  const [kilobytes] = (await once(child, 'message')) as [number]
  await exit
  await rm(directory, { recursive: true, force: true })
  return kilobytes / 1024
}

function spawnNode(script: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--eval', script, directory], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
