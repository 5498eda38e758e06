import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseByteRange } from '../../src/http/byte-range.ts'

test.each([
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=0-9', 10, { start: 0, end: 9 }],
  ['bytes=5-', 10, { start: 5, end: 9 }],
  ['bytes=5-100', 10, { start: 5, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-100', 10, { start: 0, end: 9 }],
  ['Bytes= 0-4 ', 10, { start: 0, end: 4 }],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
  [`bytes=-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-20', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-1', 0, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  [undefined, 10, 'ignore'],
  ['', 10, 'ignore'],
  ['bytes=', 10, 'ignore'],
  ['bytes=-', 10, 'ignore'],
  ['bytes=5-4', 10, 'ignore'],
  ['bytes=0-1,3-4', 10, 'ignore'],
  ['bytes=1.5-3', 10, 'ignore'],
  ['bytes=0x0-3', 10, 'ignore'],
  ['bytes=--3', 10, 'ignore'],
  ['items=0-1', 10, 'ignore'],
  ['0-1', 10, 'ignore'],
])('Range: %s of %i bytes', (header, size, expected) => {
  expect(parseByteRange(header, size)).toEqual(expected)
})

test('what it gives lies within the file, for any numbers', () => {
  const anyNumber = fc.option(fc.nat({ max: 200 }), { nil: undefined })
  fc.assert(
    fc.property(anyNumber, anyNumber, fc.nat({ max: 100 }), (first, last, size) => {
      const range = parseByteRange(`bytes=${first ?? ''}-${last ?? ''}`, size)

      if (typeof range === 'string') return
      const bytes = Array.from({ length: size }, (_, index) => index)
      const expected =
        first === undefined ? bytes.slice(-(last ?? 0)) : bytes.slice(first, (last ?? size) + 1)
      expect(bytes.slice(range.start, range.end + 1)).toEqual(expected)
      expect(expected.length).toBeGreaterThan(0)
    }),
  )
})
