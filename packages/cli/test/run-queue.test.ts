import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BackOff } from '../src/commands/sync/daemon/back-off.ts'
import { needsOf, sourceOf } from '../src/commands/sync/daemon/connection-needs.ts'
import { RunQueue, type QueuedRun } from '../src/commands/sync/daemon/run-queue.ts'
import { parseConnection } from '../src/connection/read-connection.ts'

/** Runs that end when they are told to. */
class Bench {
  readonly queue = new RunQueue()
  readonly started: string[] = []
  readonly #ends = new Map<string, () => void>()

  due(name: string, ...needs: readonly string[]): boolean {
    return this.queue.due(this.#run(name, needs))
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.()
    // The queue looks what can be started next in a microtask after the run has ended.
    await new Promise(setImmediate)
  }

  #run(name: string, needs: readonly string[]): QueuedRun {
    return {
      name,
      needs,
      run: async () => {
        this.started.push(name)
        await new Promise<void>((resolve) => this.#ends.set(name, resolve))
      },
    }
  }
}

test('runs of different sources go on beside each other, of the same one after the other', async () => {
  const bench = new Bench()

  bench.due('a', 'ehr')
  bench.due('b', 'ehr')
  bench.due('c', 'other')
  expect(bench.started).toEqual(['a', 'c'])
  await bench.end('a')

  expect(bench.started).toEqual(['a', 'c', 'b'])
})

test('a run that is due several times while it runs runs once more', async () => {
  const bench = new Bench()

  expect([bench.due('a'), bench.due('a'), bench.due('a')]).toEqual([true, true, false])
  await bench.end('a')
  await bench.end('a')

  expect(bench.started).toEqual(['a', 'a'])
  expect(bench.queue.isRunning('a')).toBe(false)
})

test('who waits longer is not overtaken by who needs less', async () => {
  const bench = new Bench()
  bench.due('a', 'x')
  bench.due('both', 'x', 'y')

  bench.due('late', 'y')
  expect(bench.started).toEqual(['a'])
  await bench.end('a')

  expect(bench.started).toEqual(['a', 'both'])
})

test('a closed queue starts nothing more, and is idle when what runs has ended', async () => {
  const bench = new Bench()
  bench.due('a', 'x')
  bench.due('b', 'x')
  bench.queue.close()
  let isIdle = false
  const idle = bench.queue.idle().then(() => (isIdle = true))
  await new Promise(setImmediate)
  expect(isIdle).toBe(false)

  await bench.end('a')
  await idle

  expect(bench.started).toEqual(['a'])
  expect(bench.due('c')).toBe(false)
})

test('whatever becomes due in whatever order, nothing that is needed is used twice', async () => {
  const due = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    needs: fc.subarray(['x', 'y', 'z']),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(due, { maxLength: 30 }), async (all) => {
      const queue = new RunQueue()
      const inUse = new Set<string>()
      let runs = 0
      for (const { name, needs } of all) {
        queue.due({
          name,
          needs,
          run: async () => {
            for (const need of [...needs, name]) {
              expect(inUse.has(need)).toBe(false)
              inUse.add(need)
            }
            runs += 1
            await new Promise(setImmediate)
            for (const need of [...needs, name]) inUse.delete(need)
          },
        })
      }
      await queue.idle()
      expect(runs).toBeGreaterThanOrEqual(new Set(all.map(({ name }) => name)).size)
    }),
    { numRuns: 50 },
  )
})

test('what fails is left alone twice as long each time, up to an hour', () => {
  const backOff = new BackOff()
  expect(backOff.isResting(0)).toBe(false)

  const waits = Array.from({ length: 8 }, () => backOff.failed(0) / 60_000)

  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  expect(backOff.isResting(3_599_999)).toBe(true)
  expect(backOff.isResting(3_600_000)).toBe(false)
  backOff.succeeded()
  expect(backOff.isResting(0)).toBe(false)
  expect(backOff.failed(0)).toBe(60_000)
})

test('a source is its origin and base path, and a connection needs it for itself', () => {
  const url = 'HTTPS://EHR.example.org:443/fhir/'
  const text = `source.url = "${url}"\ndata.level = "system"\nsinks.duckdb = "w"`

  expect(sourceOf(url)).toBe('https://ehr.example.org/fhir')
  expect(needsOf(parseConnection(text, { name: 'c.toml', cwd: '/d' }))).toEqual([
    'source https://ehr.example.org/fhir',
    'work /d/c.toml.sync',
  ])
})
