import { RESOURCE_TYPES, type ResourceType } from '@flatfhir/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSearch } from '../src/compile-search.ts'
import { SearchInvalidError, SearchUnsupportedError } from '../src/errors.ts'
import { parseTypeFilter, splitTypeFilters } from '../src/query.ts'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS } from './resources.ts'

test('cuts a filter into type and query', () => {
  expect(parseTypeFilter('Observation?code=a?b')).toEqual({
    type: 'Observation',
    query: 'code=a?b',
  })
  expect(parseTypeFilter('Observation?')).toEqual({ type: 'Observation', query: '' })
  expect(parseTypeFilter('Observation')).toEqual({ type: 'Observation', query: '' })
})

test.each<[string, readonly string[]]>([
  ['Observation?code=a', ['Observation?code=a']],
  ['Observation?code=a,b', ['Observation?code=a,b']],
  ['Patient?active=true,Observation?code=a,b', ['Patient?active=true', 'Observation?code=a,b']],
  [String.raw`Patient?name=a\,Observation?`, [String.raw`Patient?name=a\,Observation?`]],
  ['Patient?name=a,Nobody?', ['Patient?name=a,Nobody?']],
  ['', ['']],
])('cuts the list %s into %j', (text, filters) => {
  expect(splitTypeFilters(text)).toEqual(filters)
})

test.each([
  '?_type=Observation',
  '',
  'Patient/1/Observation?code=x',
  'Patient/1/*?code=x',
  'Observation,Condition?code=x',
  '/Observation?code=x',
  'https://example.org/fhir/Observation?code=x',
  'observation?code=x',
  'Resource?_id=x',
  'constructor?code=x',
])('refuses the context of %s', (filter) => {
  expect(thrownBy(() => parseTypeFilter(filter))).toMatchObject({ code: 'SEARCH_INVALID' })
})

test('a search without criteria finds all of its type, and nothing else', () => {
  const resources = [...OBSERVATIONS, { resourceType: 'Patient', id: 'p' }, {}]

  expect(matching('Observation?', resources)).toEqual(['glucose', 'pressure', 'smoking', 'bare'])
  expect(matching('Observation?&&status=final&', resources)).toEqual(['glucose', 'smoking', 'bare'])
})

test.each([
  '_sort=date',
  '_count=10',
  '_include=Observation:subject',
  '_include:iterate=x',
  '_revinclude=Provenance:target',
  '_summary=true',
  '_elements=id',
  '_total=none',
  '_contained=true',
  '_containedType=contained',
])('refuses the search result parameter %s by name', (query) => {
  const name = query.slice(0, query.indexOf('='))

  const error = thrownBy(() => compileSearch('Observation', query))

  expect(error).toMatchObject({ code: 'SEARCH_UNSUPPORTED', parameter: name })
  expect(String(error)).toContain(`Search result parameter ${name} `)
})

test.each([
  ['Observation', '_has:Provenance:target:agent'],
  ['Observation', '_filter'],
  ['Observation', '_text'],
  ['Observation', '_content'],
  ['Observation', '_list'],
  ['Observation', '_query'],
  ['Observation', '_type'],
  ['Observation', 'nonsense'],
  ['Observation', 'constructor'],
  ['Observation', '__proto__'],
  ['Observation', 'birthdate'],
  ['Patient', 'phonetic'],
  ['Location', 'near'],
] satisfies [ResourceType, string][])('refuses %s?%s by name', (type, parameter) => {
  const error = thrownBy(() => compileSearch(type, `${parameter}=secret`))

  expect(error).toMatchObject({ code: 'SEARCH_UNSUPPORTED', type, parameter })
  expect(String(error)).toContain(parameter)
  expect(JSON.stringify(error) + String(error)).not.toContain('secret')
})

test('lenient handling leaves out what is not supported, and reports it', () => {
  const query = 'status=final&_sort=date&nonsense=1&code:in=http://a&subject.name=x'

  const search = compileSearch('Observation', query, { handling: 'lenient' })

  expect(search.ignored.map(({ parameter }) => parameter)).toEqual([
    '_sort',
    'nonsense',
    'code:in',
    'subject.name',
  ])
  expect(search.ignored.map(({ reason }) => reason).join()).not.toContain('http://a')
  expect(search.isChained).toBe(false)
  expect(OBSERVATIONS.filter((one) => search.matches(one)).map((one) => one['id'])).toEqual([
    'glucose',
    'smoking',
    'bare',
  ])
})

test('lenient handling does not forgive what cannot be read', () => {
  expect(
    thrownBy(() => compileSearch('Observation', 'date=never', { handling: 'lenient' })),
  ).toMatchObject({ code: 'SEARCH_INVALID' })
})

test.each([
  ['status=%zz', {}],
  ['status=%E4', {}],
  ['status', {}],
  ['status=a,', {}],
  ['status=ab', { maxQueryLength: 8 }],
  ['status=a&status=b', { maxParameters: 1 }],
  ['status=a,b,c', { maxValues: 2 }],
])('refuses %s (%j)', (query, limits) => {
  const error = thrownBy(() => compileSearch('Observation', query, limits))

  expect(error).toMatchObject({ code: 'SEARCH_INVALID', type: 'Observation' })
})

test('bounds what a search may ask for', () => {
  const values = (count: number) => `_id=${Array.from({ length: count }, (_, i) => i).join(',')}`

  expect(compileSearch('Observation', values(2000)).ignored).toEqual([])
  expect(thrownBy(() => compileSearch('Observation', values(2001)))).toBeInstanceOf(
    SearchInvalidError,
  )
  expect(thrownBy(() => compileSearch('Observation', `code=${'x'.repeat(70_000)}`))).toBeInstanceOf(
    SearchInvalidError,
  )
})

test('errors never show more of a name than letters, and never a value', () => {
  const name = '<script>\u0000'.repeat(50)

  const error = thrownBy(() => compileSearch('Patient', `${encodeURIComponent(name)}=secret`))

  expect(error).toBeInstanceOf(SearchUnsupportedError)
  expect((error as Error).message).toMatch(/^[\w .?:,-]+$/)
  expect((error as Error).message.length).toBeLessThan(200)
})

test('whatever the query, compiling throws only search errors, and matching nothing', () => {
  const names = fc.constantFrom('code', 'date', 'subject', 'name', '_id', 'value-quantity', 'url')
  const suffixes = fc.constantFrom('', ':not', ':missing', ':text', ':Patient', '.name', ':', '.')
  const parameter = fc
    .tuple(names, suffixes, fc.string({ unit: 'binary', maxLength: 20 }))
    .map(([name, suffix, value]) => `${name}${suffix}=${value}`)
  const query = fc.oneof(
    fc.string(),
    fc.array(parameter, { maxLength: 4 }).map((x) => x.join('&')),
  )
  const options = { resolve: () => undefined }

  fc.assert(
    fc.property(fc.constantFrom(...RESOURCE_TYPES), query, fc.jsonValue(), (type, text, json) => {
      try {
        const search = compileSearch(type, text, options)
        const strange = { resourceType: type, code: json, date: json, subject: json, name: json }
        expect(typeof search.matches(strange)).toBe('boolean')
      } catch (error) {
        const isKnown =
          error instanceof SearchInvalidError || error instanceof SearchUnsupportedError
        if (!isKnown) throw error
      }
    }),
    { numRuns: 500 },
  )
})

test.each(['+', '%2B', '%2b', ' ', '%20'])('%j before a time zone is a plus sign', (plus) => {
  const search = compileSearch('Observation', `date=eq2026-01-01T12:00:00.5${plus}02:00`)

  const at = (effectiveDateTime: string): boolean =>
    search.matches({ resourceType: 'Observation', effectiveDateTime })
  expect(at('2026-01-01T10:00:00.5Z')).toBe(true)
  expect(at('2026-01-01T12:00:00.5Z')).toBe(false)
})

test('a plus sign anywhere else is a space', () => {
  const search = compileSearch('Patient', 'family=von+12:30')

  expect(search.matches({ resourceType: 'Patient', name: [{ family: 'Von 12:30' }] })).toBe(true)
})
