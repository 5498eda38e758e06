import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseHttpDate } from '../../src/http/http-date.ts'
import { parseRetryAfter } from '../../src/http/retry-after.ts'

const NOW = new Date('2026-11-23T01:00:00Z')

test.each([
  ['0', 0],
  ['120', 120],
  [' 120 ', 120],
  ['Mon, 23 Nov 2026 01:02:00 GMT', 120],
  ['Monday, 23-Nov-26 01:02:00 GMT', 120],
  ['Mon Nov 23 01:02:00 2026', 120],
  ['Sun, 22 Nov 2026 01:00:00 GMT', 0],
  ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  [undefined, undefined],
  ['', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['soon', undefined],
  ['Infinity', undefined],
  ['NaN', undefined],
  ['120 seconds', undefined],
  ['Mon, 99 Nov 2026 01:02:00 GMT', undefined],
  ['Mon, 23 Foo 2026 01:02:00 GMT', undefined],
  ['Mon, 23 Nov 2026 01:02:00 PST', undefined],
])('Retry-After: %s is %s seconds', (header, expected) => {
  expect(parseRetryAfter(header, NOW)).toBe(expected)
})

test('a date with a part of a second left is rounded up, never polled too early', () => {
  const now = new Date('2026-11-23T01:01:58.400Z')

  expect(parseRetryAfter('Mon, 23 Nov 2026 01:02:00 GMT', now)).toBe(2)
})

test('is a whole number that is not negative, or undefined, for any text', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      const seconds = parseRetryAfter(header, NOW)

      expect(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true)
    }),
  )
})

test('reads every date that Date writes in the preferred form', () => {
  const anyDate = fc.date({
    min: new Date('1000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(anyDate, (date) => {
      const wholeSecond = Math.floor(date.getTime() / 1000) * 1000

      expect(parseHttpDate(date.toUTCString(), NOW)?.getTime()).toBe(wholeSecond)
    }),
  )
})

test.each([
  ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sunday, 06-Nov-75 08:49:37 GMT', '2075-11-06T08:49:37.000Z'],
  ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
])('reads the obsolete form %s', (text, expected) => {
  expect(parseHttpDate(text, NOW)?.toISOString()).toBe(expected)
})
