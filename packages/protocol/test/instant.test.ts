import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatInstant, parseDateTimeRange, parseInstant } from '../src/instant.ts'

const anyDate = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
})

describe('parseInstant', () => {
  test('reads back what formatInstant writes', () => {
    fc.assert(
      fc.property(anyDate, (date) => {
        expect(parseInstant(formatInstant(date))).toEqual(date)
      }),
    )
  })

  test('reads the same moment in every time zone', () => {
    fc.assert(
      fc.property(anyDate, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString()
        const size = Math.abs(offset)
        const hours = String(Math.floor(size / 60)).padStart(2, '0')
        const zone = `${offset < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`
        if (local.length !== 24 || local.startsWith('0000')) return

        expect(parseInstant(local.replace('Z', zone))).toEqual(date)
      }),
    )
  })

  test.each([
    ['2026-01-31T08:00:00Z', '2026-01-31T08:00:00.000Z'],
    ['2026-01-31T08:00:00.5Z', '2026-01-31T08:00:00.500Z'],
    ['2026-01-31T08:00:00.123999999-05:00', '2026-01-31T13:00:00.123Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
    ['2024-02-29T00:00:00+14:00', '2024-02-28T10:00:00.000Z'],
    ['0050-01-01T00:00:00Z', '0050-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
    ['2016-12-31T23:59:60.7Z', '2016-12-31T23:59:59.999Z'],
  ])('reads %s', (text, expected) => {
    expect(parseInstant(text)?.toISOString()).toBe(expected)
  })

  test.each([
    '',
    '2026',
    '2026-01-31',
    '2026-01-31T08:00Z',
    '2026-01-31T08:00:00',
    '2026-01-31 08:00:00Z',
    '2026-01-31t08:00:00z',
    ' 2026-01-31T08:00:00Z',
    '2026-01-31T08:00:00Z\n',
    '2026-01-31T08:00:00.Z',
    '2026-01-31T08:00:00+0100',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T08:60:00Z',
    '2026-01-31T08:00:61Z',
    '2026-01-31T08:00:00+14:01',
    '2026-01-31T08:00:00+01:60',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+12026-01-31T08:00:00Z',
    '1767225600000',
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeUndefined()
  })
})

describe('parseDateTimeRange', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['2026-01-31T08:00:00', '2026-01-31T08:00:00.000Z', '2026-01-31T08:00:01.000Z'],
    ['2026-01-31T08:00:00+02:00', '2026-01-31T06:00:00.000Z', '2026-01-31T06:00:01.000Z'],
    ['2026-01-31T08:00:00.25Z', '2026-01-31T08:00:00.250Z', '2026-01-31T08:00:00.260Z'],
    ['2026-01-31T08:00:00.123456Z', '2026-01-31T08:00:00.123Z', '2026-01-31T08:00:00.124Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z'],
    ['0099', '0099-01-01T00:00:00.000Z', '0100-01-01T00:00:00.000Z'],
  ])('%s lasts from %s to %s', (text, start, end) => {
    expect(parseDateTimeRange(text)).toEqual({ start: new Date(start), end: new Date(end) })
  })

  test.each([
    '',
    '26',
    '2026-1',
    '2026-13',
    '2026-02-30',
    '2026-01-31T08',
    '2026-01-31T08:00',
    '0000',
  ])('refuses %j', (text) => {
    expect(parseDateTimeRange(text)).toBeUndefined()
  })

  test('each day of a month lies in the month, and the next day begins where it ends', () => {
    fc.assert(
      fc.property(anyDate, (date) => {
        const day = parseDateTimeRange(date.toISOString().slice(0, 10))
        const month = parseDateTimeRange(date.toISOString().slice(0, 7))
        if (day === undefined || month === undefined) throw new Error('not read')

        expect(day.end.getTime() - day.start.getTime()).toBe(86_400_000)
        expect(day.start <= date && date < day.end).toBe(true)
        expect(month.start <= day.start && day.end <= month.end).toBe(true)
      }),
    )
  })
})
