import { expect, test } from 'vitest'
import { isPageReady, pageRange } from '../../src/jobs/manifest-pages.ts'

test('pages follow each other without gap or overlap, and grow up to 1,024 files', () => {
  const ranges = Array.from({ length: 40 }, (_, page) => pageRange(page))

  let next = 0
  for (const { skip, limit } of ranges) {
    expect(skip).toBe(next)
    next += limit
  }
  expect(ranges.slice(0, 4).map(({ limit }) => limit)).toEqual([1, 2, 4, 8])
  expect(ranges.at(-1)?.limit).toBe(1024)
})

test.each([
  [0, 0, false, false],
  [0, 1, false, true],
  [1, 1, false, false],
  [1, 2, false, false],
  [1, 3, false, true],
  [0, 0, true, true],
  [1, 1, true, false],
  [1, 2, true, true],
  [10, 1023, true, false],
  [10, 1024, true, true],
  [10, 2046, false, false],
  [10, 2047, false, true],
] as const)(
  'page %i of %i files (complete: %s) is ready: %s',
  (...[page, files, complete, ready]) => {
    expect(isPageReady(page, { files, complete })).toBe(ready)
  },
)
