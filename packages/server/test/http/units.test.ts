import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { listeningBaseUrl, normalBaseUrl } from '../../src/http/base-url.ts'
import {
  ifMatchNames,
  ifNoneMatchNames,
  ifRangeAdmits,
  versionOfIfMatch,
} from '../../src/http/entity-tags.ts'
import { jsonArray, jsonObject, property } from '../../src/http/json-bytes.ts'
import { isLoopback, isLoopbackHostHeader } from '../../src/http/loopback.ts'
import { preferredReturn } from '../../src/http/preferred-return.ts'
import { SealedSearches } from '../../src/http/sealed-search.ts'
import { decodeSearch } from '../../src/http/search-parameters.ts'

describe('loopback addresses', () => {
  test.each([
    'localhost',
    '127.0.0.1',
    '127.255.3.4',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
  ])('%s is one', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  test.each(['', '0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'localhost.example.org', '127.1', '1'])(
    '%s is none',
    (host) => {
      expect(isLoopback(host)).toBe(false)
    },
  )

  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1:8080', '[::1]', '[::1]:8080'])(
    'the Host header %s names this machine',
    (host) => {
      expect(isLoopbackHostHeader(host)).toBe(true)
    },
  )

  test.each([
    '',
    'evil.example',
    '127.0.0.1.evil.example',
    'evil.example:80',
    '::1',
    'a@127.0.0.1',
  ])('the Host header %s does not', (host) => {
    expect(isLoopbackHostHeader(host)).toBe(false)
  })
})

describe('base URLs', () => {
  test('lose the slash at their end and keep their path', () => {
    expect(normalBaseUrl('https://Example.org/bulk/fhir//')).toBe('https://example.org/bulk/fhir')
    expect(normalBaseUrl('https://example.org')).toBe('https://example.org')
  })

  test.each([
    '',
    '/fhir',
    'ftp://example.org',
    'https://a:b@example.org',
    'https://a/?x',
    'https://a/#',
  ])('cannot be %s', (text) => {
    expect(() => normalBaseUrl(text)).toThrow(
      expect.objectContaining({ code: 'BASE_URL_INVALID' }) as Error,
    )
  })

  test('have brackets around IPv6 addresses', () => {
    const address = { host: '::1', port: 80 }
    expect(listeningBaseUrl({ ...address, isTls: false })).toBe('http://[::1]:80/fhir')
    expect(listeningBaseUrl({ ...address, isTls: true })).toBe('https://[::1]:80/fhir')
  })
})

describe('entity tags', () => {
  test('If-None-Match compares weakly, If-Match and If-Range strongly', () => {
    expect(ifNoneMatchNames('"x", W/"a"', '"a"')).toBe(true)
    expect(ifNoneMatchNames('"b"', '"a"')).toBe(false)
    expect(ifNoneMatchNames('*', '"a"')).toBe(true)
    expect(ifMatchNames('W/"a"', '"a"')).toBe(false)
    expect(ifMatchNames('"x","a"', '"a"')).toBe(true)
    expect(ifRangeAdmits('"a"', '"a"')).toBe(true)
    expect(ifRangeAdmits('W/"a"', '"a"')).toBe(false)
    expect(ifRangeAdmits('Wed, 21 Oct 2026 07:28:00 GMT', '"a"')).toBe(false)
  })

  test.each([
    ['W/"3"', '3'],
    ['"3"', '3'],
    [' W/"a-1.b" ', 'a-1.b'],
    ['3', undefined],
    ['*', undefined],
    ['W/"1", W/"2"', undefined],
    ['W/""', undefined],
  ])('the version of If-Match: %s is %s', (header, versionId) => {
    expect(versionOfIfMatch(header)).toBe(versionId)
  })
})

test.each([
  ['return=minimal', 'minimal'],
  ['respond-async, return=representation', 'representation'],
  ['handling=lenient; return="OperationOutcome"', 'OperationOutcome'],
  ['return=minimalist', undefined],
  ['xreturn=minimal', undefined],
  [undefined, undefined],
])('Prefer: %s asks for %s', (header, preferred) => {
  expect(preferredReturn(header)).toBe(preferred)
})

test('JSON is put together around texts that stay as they are', () => {
  const resource = Buffer.from('{"value":1.50,"big":123456789012345678}')

  const text = jsonObject(
    property('none', undefined),
    property('a"b', '1'),
    property('entry', jsonArray([resource, jsonObject()])),
  ).toString()

  expect(text).toBe('{"a\\"b":1,"entry":[{"value":1.50,"big":123456789012345678},{}]}')
})

describe('sealed searches', () => {
  const query = { type: 'Patient', names: ['Müller'], pageSize: 5, cursor: 'abc' } as const

  test('open again, tell nothing, and fit a URL', () => {
    const searches = new SealedSearches()

    const sealed = searches.seal(query, 'ann')

    expect(searches.open(sealed, 'ann')).toEqual(query)
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('ller')
  })

  test('of another process or client, changed or made up are refused', () => {
    const searches = new SealedSearches()
    const sealed = searches.seal(query, 'ann')

    expect(new SealedSearches().open(sealed, 'ann')).toBeUndefined()
    expect(searches.open(sealed, 'bob')).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(sealed.length - 2), (at) => {
        const changed =
          sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
        expect(searches.open(changed, 'ann')).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(searches.open(text, 'ann')).toBeUndefined()
      }),
    )
  })
})

describe('search parameters', () => {
  const decoding = {
    type: 'Patient',
    lenient: false,
    defaultPageSize: 50,
    maxPageSize: 200,
  } as const
  const decode = (query: string, lenient = false) =>
    decodeSearch(new URLSearchParams(query), { ...decoding, lenient })

  test('become a query', () => {
    const { query, isCountOnly } = decode(
      '_id=a,b&identifier=http://s|1,2,|3,s%5C|x|&name=Ann&_count=7',
    )

    expect(query).toEqual({
      type: 'Patient',
      ids: ['a', 'b'],
      identifiers: [
        { system: 'http://s', value: '1' },
        { system: undefined, value: '2' },
        { system: '', value: '3' },
        { system: 's|x', value: undefined },
      ],
      names: ['Ann'],
      pageSize: 7,
    })
    expect(isCountOnly).toBe(false)
  })

  test('split at commas that are not escaped', () => {
    expect(decode('name=a%5C,b,c%5C%5C,d').query.names).toEqual(['a,b', 'c\\', 'd'])
  })

  test('_count has a ceiling, and 0 asks for the total', () => {
    expect(decode('_count=100000').query.pageSize).toBe(200)
    expect(decode('').query.pageSize).toBe(50)
    expect(decode('_count=0')).toMatchObject({ isCountOnly: true, query: { pageSize: 1 } })
  })

  test.each([
    ['birthdate=2020', 'birthdate'],
    ['name:exact=Ann', 'name:exact'],
    ['name=', 'name'],
    ['name=Ann,', 'name'],
    ['_id=', '_id'],
    ['_id=../x', '_id'],
    ['identifier=|', 'identifier'],
    ['identifier=a|b|c', 'identifier'],
    ['_count=-1', '_count'],
    ['_count=many', '_count'],
    ['name=Ann&name=Bob', 'name'],
  ])('%s is refused by the name of the parameter and never by its value', (query, name) => {
    expect(() => decode(query)).toThrow(
      expect.objectContaining({
        status: 400,
        message: expect.stringContaining(`parameter ${name} `) as string,
      }) as Error,
    )
    expect(() => decode(query)).not.toThrow(/Ann|Bob|2020|\.\./)
  })

  test('a name that is none is not repeated', () => {
    expect(() => decode('John%20Smith%20=1')).not.toThrow(/Smith/)
    expect(() => decode('John%20Smith%20=1')).toThrow(/unusual name/)
  })

  test('that are unknown are ignored on request, and the self link is without them', () => {
    const { query, understood } = decode('birthdate=2020&name=Ann', true)

    expect(query).toEqual({ type: 'Patient', names: ['Ann'], pageSize: 50 })
    expect(understood.toString()).toBe('name=Ann')
  })

  test.each(['_id', 'identifier', 'name'])('%s has at most 500 values', (name) => {
    const values = Array.from({ length: 501 }, (_, index) => `v${index}`)

    expect(() => decode(`${name}=${values.slice(1).join(',')}`)).not.toThrow()
    expect(() => decode(`${name}=${values.join(',')}`)).toThrow(/at most 500 values/)
  })

  test('of any text are decoded or refused, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('_id', 'name', 'identifier', '_count'),
        fc.string(),
        (name, value) => {
          try {
            decode(new URLSearchParams({ [name]: value }).toString())
          } catch (error) {
            expect(error).toMatchObject({ code: 'REQUEST_REFUSED', status: 400 })
          }
        },
      ),
    )
  })
})
