import { expect, test } from 'vitest'
import { compileTypeFilters } from '../src/type-filters.ts'
import { thrownBy } from './matching.ts'
import { OBSERVATIONS, PATIENTS } from './resources.ts'

const ALL = [...PATIENTS, ...OBSERVATIONS]

function ids(filters: readonly string[]): readonly unknown[] {
  const compiled = compileTypeFilters(filters)
  return ALL.filter((one) => compiled.matches(one)).map((one) => one['id'])
}

test('filters of one type are joined by "or", parameters within one by "and"', () => {
  expect(
    ids(['Observation?status=amended', 'Observation?status=final&code=2339-0', 'Patient?_id=none']),
  ).toEqual(['glucose', 'pressure'])
})

test('types without a filter stay unfiltered', () => {
  expect(ids(['Observation?status=amended'])).toEqual(['muller', 'smith', 'nobody', 'pressure'])
  expect(ids([])).toEqual(ALL.map((one) => one['id']))
})

test('says which types are filtered, and with what', () => {
  const filters = compileTypeFilters(['Patient?active=true', 'Condition?', 'Patient?gender=male'])

  expect(filters.types).toEqual(['Condition', 'Patient'])
  expect(filters.isFiltered('Patient')).toBe(true)
  expect(filters.isFiltered('Observation')).toBe(false)
  expect(filters.searchesOf('Patient')).toHaveLength(2)
  expect(filters.searchesOf('Observation')).toEqual([])
})

test('reports what lenient handling left out, with the type', () => {
  const filters = compileTypeFilters(['Patient?nonsense=1', 'Observation?_sort=date'], {
    handling: 'lenient',
  })

  expect(filters.ignored).toMatchObject([
    { type: 'Patient', parameter: 'nonsense' },
    { type: 'Observation', parameter: '_sort' },
  ])
})

test('one filter that cannot be used spoils the request', () => {
  expect(thrownBy(() => ids(['Patient?active=true', 'Patient?nonsense=1']))).toMatchObject({
    code: 'SEARCH_UNSUPPORTED',
    parameter: 'nonsense',
  })
})
