import { describe, expect, test } from 'vitest'
import { readBundleText, rewriteLinks } from '../src/bundle-text.ts'
import { ResourceInvalidError } from '../src/errors.ts'

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes)
}

describe('readBundleText', () => {
  test('cuts a Bundle into the very texts of its resources', () => {
    const text = `{ "entry" : [ {"resource": {"a": 1.50, "b":"]}{["} , "fullUrl":"urn:uuid:1" },
      { "request":{"url":"Patient/1","method":"PUT","ifMatch":"W/\\"2\\"","ifNoneExist":"a=b"}},{} ],
      "type":"transaction","resourceType":"Bundle"}`

    const { type, entries } = readBundleText(utf8(text))

    expect(type).toBe('transaction')
    expect(entries.map(({ resource }) => textOf(resource))).toEqual([
      '{"a": 1.50, "b":"]}{["}',
      undefined,
      undefined,
    ])
    expect(entries.map(({ fullUrl }) => fullUrl)).toEqual(['urn:uuid:1', undefined, undefined])
    expect(entries[1]?.request).toEqual({
      method: 'PUT',
      url: 'Patient/1',
      ifMatch: 'W/"2"',
      ifNoneExist: 'a=b',
    })
  })

  test.each(['{"resourceType":"Bundle"}', '{"resourceType":"Bundle","entry":[]}'])(
    'finds no entries in %s',
    (text) => {
      expect(readBundleText(utf8(text)).entries).toEqual([])
    },
  )

  test('takes of two elements the last, as JSON.parse does', () => {
    const text =
      '{"resourceType":"Bundle","entry":[1],"entry":[{"resource":{"a":1},"resource":{"b":2}}]}'

    expect(readBundleText(utf8(text)).entries.map(({ resource }) => textOf(resource))).toEqual([
      '{"b":2}',
    ])
  })

  test.each([
    ['not-json', '{"Smith'],
    ['wrong-type', '{"resourceType":"Patient","id":"Smith"}'],
    ['not-an-object', '["Smith"]'],
    ['not-an-object', '{"resourceType":"Bundle","entry":"Smith"}'],
    ['not-an-object', '{"resourceType":"Bundle","entry":["Smith"]}'],
  ])('refuses %s: %s', (fault, text) => {
    const read = (): unknown => readBundleText(utf8(text))

    expect(read).toThrow(expect.objectContaining({ fault }) as Error)
    expect(read).not.toThrow(/Smith/)
  })
})

describe('rewriteLinks', () => {
  const links = new Map([
    ['urn:uuid:1', 'Patient/a'],
    ['https://a.example/Practitioner/é', 'Practitioner/d'],
  ])

  test('replaces links as a whole, wherever they stand, and leaves every other byte', () => {
    const text = `{"a":1.50, "subject" : {"reference":"urn:uuid:1"},"valueString":"urn:uuid:1",
      "deep":[[{"url":"urn:uuid:1"}],{"valueUri":"https:\\/\\/a.example/Practitioner/\\u00e9"}],
      "b":{"reference":"urn:uuid:12"},"reference":["urn:uuid:1"],"uri":null}`

    expect(textOf(rewriteLinks(utf8(text), links))).toBe(
      `{"a":1.50, "subject" : {"reference":"Patient/a"},"valueString":"urn:uuid:1",
      "deep":[[{"url":"Patient/a"}],{"valueUri":"Practitioner/d"}],
      "b":{"reference":"urn:uuid:12"},"reference":["urn:uuid:1"],"uri":null}`,
    )
  })

  test('hands back the same bytes where nothing is to be replaced', () => {
    const bytes = utf8('{"reference":"Patient/1"}')

    expect(rewriteLinks(bytes, links)).toBe(bytes)
    expect(rewriteLinks(bytes, new Map())).toBe(bytes)
  })

  test.each([
    ['{"a":', '}'],
    ['[', ']'],
  ])('refuses absurd nesting of %s before it costs anything', (open, close) => {
    const levels = 200_000
    const bytes = utf8(`${open.repeat(levels)}1${close.repeat(levels)}`)
    const startedAt = performance.now()

    expect(() => rewriteLinks(bytes, links)).toThrow(ResourceInvalidError)

    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
