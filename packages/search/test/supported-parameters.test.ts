import { RESOURCE_TYPES } from '@flatfhir/protocol'
import { expect, test } from 'vitest'
import { compileSearch } from '../src/compile-search.ts'
import { supportedSearchParameters } from '../src/parameter-table.ts'
import type { SearchParameterType } from '../src/search-parameter-row.ts'

const VALUES: Readonly<Record<SearchParameterType, string>> = {
  composite: '',
  date: 'ge2020',
  number: '1',
  quantity: '1',
  reference: '1',
  special: '',
  string: 'x',
  token: 'x',
  uri: 'http://example.org',
}
/** Of the two to four parts that composites have, the right number of them makes a search. */
const COMPOSITES = ['1$1', '1$1$1', 'x$2020']

test('everything that is listed compiles, for every type', () => {
  let count = 0
  for (const type of RESOURCE_TYPES) {
    for (const parameter of supportedSearchParameters(type)) {
      const values = parameter.type === 'composite' ? COMPOSITES : [VALUES[parameter.type]]
      const compiled = values.filter((value) => {
        try {
          return compileSearch(type, `${parameter.name}=${value}`).ignored.length === 0
        } catch {
          return false
        }
      })

      expect(compiled, `${type}?${parameter.name}`).not.toEqual([])
      count += 1
    }
  }
  expect(count).toBeGreaterThan(2400)
})

test('lists a parameter with its type and definition', () => {
  const parameters = supportedSearchParameters('Observation')

  expect(parameters).toContainEqual({
    name: 'code',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/clinical-code',
  })
  expect(parameters).toContainEqual({
    name: '_lastUpdated',
    type: 'date',
    definition: 'http://hl7.org/fhir/SearchParameter/Resource-lastUpdated',
  })
  const names = parameters.map(({ name }) => name)
  expect(names).toEqual([...names].sort())
  expect(new Set(names).size).toBe(names.length)
})

test('does not list what cannot be evaluated', () => {
  const namesOf = (type: Parameters<typeof supportedSearchParameters>[0]) =>
    supportedSearchParameters(type).map(({ name }) => name)

  expect(namesOf('Location')).not.toContain('near')
  expect(namesOf('Patient')).not.toContain('phonetic')
  for (const name of ['_text', '_content', '_query', '_filter', '_has']) {
    expect(namesOf('Patient')).not.toContain(name)
  }
})
