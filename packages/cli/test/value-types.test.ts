import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  choice,
  duration,
  flag,
  instant,
  integer,
  list,
  paths,
  size,
  text,
} from '../src/options/value-types.ts'

describe('a switch', () => {
  test.each([
    [true, true],
    ['true', true],
    ['1', true],
    [false, false],
    ['false', false],
    ['0', false],
    ['yes', undefined],
    ['', undefined],
    [1, undefined],
  ])('reads %j as %j', (raw, expected) => {
    expect(flag.parse(raw)).toBe(expected)
  })
})

describe('a size', () => {
  test.each([
    ['1', 1],
    [512, 512],
    ['256MiB', 268_435_456],
    ['256mib', 268_435_456],
    ['1.5 GB', 1_500_000_000],
    ['100kb', 100_000],
    ['2TiB', 2_199_023_255_552],
    ['0', undefined],
    ['-1', undefined],
    ['1 MX', undefined],
    ['MiB', undefined],
    ['1e3', undefined],
    [Number.NaN, undefined],
    [{}, undefined],
  ])('reads %j as %j', (raw, expected) => {
    expect(size.parse(raw)).toBe(expected)
  })

  test('is read back from how it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (bytes) => {
        expect(size.parse(size.format(bytes))).toBe(bytes)
      }),
    )
  })
})

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0', 0],
    ['30', undefined],
    [30, undefined],
    ['1w', undefined],
    ['constructor', undefined],
  ])('reads %j as %j', (raw, expected) => {
    expect(duration.parse(raw)).toBe(expected)
  })

  test('is read back from how it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (milliseconds) => {
        expect(duration.parse(duration.format(milliseconds))).toBe(milliseconds)
      }),
    )
  })
})

test('a whole number keeps to its limits', () => {
  const port = integer(0, 65_535)

  expect(['0', '65535', 8080].map((raw) => port.parse(raw))).toEqual([0, 65_535, 8080])
  expect(['65536', '-1', '1.5', '', 'x', 1.5, null].map((raw) => port.parse(raw))).toEqual(
    Array.from({ length: 7 }, () => undefined),
  )
})

test('a list is a repeated flag, a text with commas, or an array of a file', () => {
  const types = list('TYPE')

  expect(types.parse(['Patient,Condition', 'Device'])).toEqual(['Patient', 'Condition', 'Device'])
  expect(types.parse('Patient, Condition')).toEqual(['Patient', 'Condition'])
  expect(['', 'Patient,', [], [1], 7].map((raw) => types.parse(raw))).toEqual(
    Array.from({ length: 5 }, () => undefined),
  )
})

test('paths may hold commas', () => {
  expect(paths('PATH', ':').parse('a,b:c')).toEqual(['a,b', 'c'])
})

test('an instant needs a time zone', () => {
  const expected = new Date('2026-01-31T08:00:00Z')

  expect(instant.parse('2026-01-31T09:00:00+01:00')).toEqual(expected)
  expect(instant.parse(expected)).toEqual(expected)
  expect(['2026-01-31', '2026-01-31T08:00:00', 'now', 0].map((raw) => instant.parse(raw))).toEqual(
    Array.from({ length: 4 }, () => undefined),
  )
})

test('a word is one of the choice', () => {
  expect(choice('GET', 'POST').parse('POST')).toBe('POST')
  expect(choice('GET', 'POST').parse('post')).toBeUndefined()
})

test('a text is not empty', () => {
  expect(text('URL').parse('')).toBeUndefined()
  expect(text('URL').parse('x')).toBe('x')
})
