import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobProgress } from '../../src/jobs/job-progress.ts'

const MIB = 1024 * 1024

function progressOf(...sizes: readonly number[]): JobProgress {
  const progress = new JobProgress(0)
  progress.plan(sizes.map((estimatedBytes, index) => ({ index, estimatedBytes, committed: false })))
  return progress
}

test('says that it is being planned before there is a plan', () => {
  const progress = new JobProgress(0)

  expect([progress.percent(), progress.text(), progress.retryAfterSeconds(0)]).toEqual([
    0,
    '0% complete, being planned',
    1,
  ])
})

test('counts bytes of committed and of running partitions', () => {
  const progress = progressOf(100 * MIB, 100 * MIB)

  progress.commit(0)
  progress.advance(1, 50 * MIB)

  expect(progress.percent()).toBe(75 - 1)
  expect(progress.text()).toBe('74% complete, 1 of 2 partitions written')
})

test('counts what an earlier process has committed', () => {
  const progress = new JobProgress(0)

  progress.plan([
    { index: 0, estimatedBytes: 3 * MIB, committed: true },
    { index: 1, estimatedBytes: 1 * MIB, committed: false },
  ])

  expect(progress.percent()).toBeGreaterThanOrEqual(74)
})

test('stays below 100, and never falls when an attempt came to nothing', () => {
  const progress = progressOf(MIB)

  progress.advance(0, 500 * MIB)
  const before = progress.percent()
  progress.reset(0)

  expect(progress.percent()).toBe(before)
  progress.commit(0)
  expect(progress.percent()).toBe(99)
})

test('asks for patience in proportion to the time that is left, within bounds', () => {
  const progress = progressOf(100 * MIB)
  const after = (seconds: number): number => progress.retryAfterSeconds(seconds * 1000)

  expect([after(0), after(1), after(40), after(100_000)]).toEqual([1, 1, 10, 120])
  progress.advance(0, 50 * MIB)
  expect([after(1), after(40)]).toEqual([1, 11])
  progress.advance(0, 99 * MIB)
  expect(after(40)).toBe(1)
})

test('is a sound number for whatever happens', () => {
  const happening = fc.record({
    what: fc.constantFrom('advance', 'reset', 'commit' as const),
    index: fc.nat(4),
    bytes: fc.nat(10 * MIB),
  })
  fc.assert(
    fc.property(fc.array(fc.nat(MIB), { maxLength: 5 }), fc.array(happening), (sizes, all) => {
      const progress = progressOf(...sizes)
      let last = 0
      const committed = new Set<number>()
      for (const { what, index, bytes } of all) {
        if (index >= sizes.length || committed.has(index)) continue
        if (what === 'advance') progress.advance(index, bytes)
        else if (what === 'reset') progress.reset(index)
        else progress.commit(index)
        if (what === 'commit') committed.add(index)

        expect(progress.percent()).toBeGreaterThanOrEqual(last)
        expect(progress.percent()).toBeLessThan(100)
        last = progress.percent()
        const seconds = progress.retryAfterSeconds(bytes)
        expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 120).toBe(true)
      }
    }),
  )
})
