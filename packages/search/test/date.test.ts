import { expect, test } from 'vitest'
import type { JsonObject } from '../src/json.ts'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS, PATIENTS } from './resources.ts'

const NOW = new Date('2026-01-01T00:00:00Z')

function on(id: string, element: JsonObject): JsonObject {
  return { resourceType: 'Observation', id, ...element }
}

const DATED = [
  on('day', { effectiveDateTime: '2013-01-14' }),
  on('noon', { effectiveDateTime: '2013-01-14T12:00:00Z' }),
  on('month', { effectiveDateTime: '2013-01' }),
  on('next', { effectiveDateTime: '2013-01-15T00:00:00Z' }),
  on('period', { effectivePeriod: { start: '2013-01-13', end: '2013-01-15' } }),
  on('open', { effectivePeriod: { start: '2013-01-15' } }),
  on('past', { effectivePeriod: { end: '2013-01-13' } }),
  on('empty', { effectivePeriod: {} }),
  on('broken', { effectivePeriod: { start: 'some day', end: '2013-01-14' } }),
  on('strange', { effectiveDateTime: 20130114 }),
]

// Worked out by hand from the ranges of R4's search.html#prefix.
test.each<[string, readonly string[]]>([
  ['date=2013-01-14', ['day', 'noon']],
  ['date=eq2013-01-14', ['day', 'noon']],
  ['date=2013-01', ['day', 'noon', 'month', 'next', 'period']],
  ['date=2013', ['day', 'noon', 'month', 'next', 'period']],
  ['date=ne2013-01-14', ['month', 'next', 'period', 'open', 'past']],
  ['date=gt2013-01-14', ['month', 'next', 'period', 'open']],
  ['date=lt2013-01-14', ['month', 'period', 'past']],
  ['date=ge2013-01-14', ['day', 'noon', 'month', 'next', 'period', 'open']],
  ['date=le2013-01-14', ['day', 'noon', 'month', 'period', 'past']],
  ['date=sa2013-01-14', ['next', 'open']],
  ['date=eb2013-01-14', ['past']],
  ['date=sa2013-01-13', ['day', 'noon', 'next', 'open']],
  ['date=eb2013-02', ['day', 'noon', 'month', 'next', 'period', 'past']],
  ['date=2013-01-14T12:00Z', ['noon']],
  ['date=2013-01-14T13:00:00%2B01:00', ['noon']],
  ['date=2013-01-14T13:00:00+01:00', ['noon']],
  ['date=2013-01-14T12:00', ['noon']],
  ['date=2013-01-14T11:00:00', []],
  ['date=lt2013-01-14,gt2013-01-14', ['month', 'next', 'period', 'open', 'past']],
  ['date=ge2013-01-14&date=lt2013-01-15', ['day', 'noon', 'month', 'period']],
  ['date:missing=true', []],
])('Observation?%s finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, DATED)).toEqual(ids)
})

test.each<[string, readonly string[]]>([
  ['birthdate=1970', ['muller', 'smith']],
  ['birthdate=1970-05', ['muller']],
  ['birthdate=gt1970-05-17', ['smith']],
  ['birthdate=lt1970-05-17', ['smith']],
  ['birthdate:missing=true', ['nobody']],
  ['death-date=2020', ['muller']],
  ['death-date=2020-02-01', []],
  ['_lastUpdated=ge2024-01-01', ['muller', 'smith']],
  ['_lastUpdated=ge2024-01-01T05:00:00Z', ['muller']],
  ['_lastUpdated=2024-03-01T09:00:00Z', ['muller']],
])('Patient?%s finds %j', (query, ids) => {
  expect(matching(`Patient?${query}`, PATIENTS)).toEqual(ids)
})

test('takes the outer limits of a Timing', () => {
  expect(matching('Observation?date=2021-01', OBSERVATIONS)).toEqual(['smoking'])
  expect(matching('Observation?date=sa2021-01-01', OBSERVATIONS)).toEqual([])
  expect(matching('Observation?date=sa2020-12-31', OBSERVATIONS)).toEqual(['smoking'])
  const bounded = on('bounded', {
    effectiveTiming: { repeat: { boundsPeriod: { start: '2022-01-01', end: '2022-02-01' } } },
  })
  const unbounded = on('unbounded', { effectiveTiming: { repeat: { frequency: 1 } } })
  expect(matching('Observation?date=ge2022&date=lt2022-01-02', [bounded, unbounded])).toEqual([
    'bounded',
  ])
})

test('ap is a tenth of the gap between now and the date, to either side', () => {
  // From 2016-01-01 to 2026-01-01 are 3,653 days: 365.3 days to either side.
  const options = { now: NOW }

  const found = (date: string) =>
    matching('Observation?date=ap2016-01-01', [on('x', { effectiveDateTime: date })], options)

  expect(found('2015-01-01')).toEqual(['x'])
  expect(found('2014-12-30')).toEqual([])
  expect(found('2016-12-31')).toEqual(['x'])
  expect(found('2017-01-03')).toEqual([])
})

test.each([
  'date=yesterday',
  'date=2013-13-01',
  'date=2013-02-30',
  'date=xx2013',
  'date=gt',
  'date=2013-01-14T25:00Z',
  'date=2013-01-14T12',
])('refuses %s without quoting the value', (query) => {
  const error = thrownBy(() => matching(`Observation?${query}`, []))

  expect(error).toMatchObject({ code: 'SEARCH_INVALID', parameter: 'date' })
  expect(String(error)).not.toContain(query.slice('date='.length))
})

test('refuses modifiers on dates', () => {
  expect(thrownBy(() => matching('Observation?date:exact=2013', []))).toMatchObject({
    code: 'SEARCH_UNSUPPORTED',
    parameter: 'date:exact',
  })
})
