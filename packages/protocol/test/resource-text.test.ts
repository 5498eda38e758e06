import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ResourceInvalidError } from '../src/errors.ts'
import {
  readResourceText,
  stampResource,
  stampTemplate,
  versionStamp,
} from '../src/resource-text.ts'

const STAMP = versionStamp('3', new Date('2026-01-02T03:04:05.678Z'))

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function stamped(text: string, id = 'x'): string {
  const template = stampTemplate(readResourceText(utf8(text)), id)
  return new TextDecoder().decode(stampResource(template, STAMP)).replace(STAMP, '@')
}

function faultOf(read: () => unknown): ResourceInvalidError {
  try {
    read()
  } catch (error) {
    if (error instanceof ResourceInvalidError) return error
    throw error
  }
  throw new TypeError('The text was taken')
}

describe('readResourceText', () => {
  test('reads type and id, and hands on the very bytes', () => {
    const bytes = utf8('{"id":"a-1.B","resourceType":"Patient","n":1.50}')

    const text = readResourceText(bytes)

    expect(text).toMatchObject({ type: 'Patient', id: 'a-1.B', resource: { n: 1.5 } })
    expect(text.bytes).toBe(bytes)
  })

  test('leaves the id out where there is none', () => {
    expect(readResourceText(utf8('{"resourceType":"Patient"}')).id).toBeUndefined()
  })

  test.each([
    [' {"resourceType":"Patient"}\t', '{"resourceType":"Patient"}'],
    ['\r\n{"resourceType":"Patient"}\n', '{"resourceType":"Patient"}'],
    [
      '{\n  "resourceType": "Patient",\r\n\r\n\t"a": "b  c\\n"\r}',
      '{"resourceType": "Patient","a": "b  c\\n"}',
    ],
  ])('puts %j on one line without blanks around it', (text, expected) => {
    expect(new TextDecoder().decode(readResourceText(utf8(text)).bytes)).toBe(expected)
  })

  test.each([
    ['not-json', '{"resourceType":"Smith'],
    ['not-json', '\ufeff{"resourceType":"Patient"}'],
    ['not-json', '{"resourceType":"Patient"}{"Smith":1}'],
    ['not-an-object', '"Smith"'],
    ['not-an-object', 'null'],
    ['unknown-type', '{"resourceType":"Smith"}'],
    ['unknown-type', '{"resourceType":["Patient"]}'],
    ['unknown-type', '{}'],
    ['invalid-id', '{"resourceType":"Patient","id":"Smith_1"}'],
    ['invalid-id', '{"resourceType":"Patient","id":7}'],
    ['invalid-id', `{"resourceType":"Patient","id":"${'a'.repeat(65)}"}`],
    ['invalid-meta', '{"resourceType":"Patient","meta":["Smith"]}'],
    ['invalid-meta', '{"resourceType":"Patient","meta":null}'],
  ])('refuses %s (%j), without quoting the text', (fault, text) => {
    const error = faultOf(() => readResourceText(utf8(text)))

    expect(error.fault).toBe(fault)
    expect(error.cause).toBeUndefined()
    expect(error.message + (error.stack ?? '')).not.toContain('Smith')
  })

  test('refuses what is not UTF-8', () => {
    const bytes = Buffer.from('{"resourceType":"Patient","a":"é"}', 'latin1')

    expect(faultOf(() => readResourceText(bytes)).fault).toBe('not-utf8')
  })
})

describe('stampTemplate', () => {
  test.each([
    [
      '{"resourceType":"Basic","id":"x","a":1}',
      '{"resourceType":"Basic","id":"x","meta":{@},"a":1}',
    ],
    ['{"resourceType":"Basic"}', '{"resourceType":"Basic","id":"x","meta":{@}}'],
    [
      '{"a":1,"resourceType":"Basic","b":2}',
      '{"a":1,"resourceType":"Basic","id":"x","meta":{@},"b":2}',
    ],
    ['{"id":"other","resourceType":"Basic"}', '{"id":"x","meta":{@},"resourceType":"Basic"}'],
    [
      '{"meta":{},"id":"other","resourceType":"Basic"}',
      '{"meta":{@},"id":"x","resourceType":"Basic"}',
    ],
    [
      '{"id":"other","meta" : { } ,"resourceType":"Basic"}',
      '{"id":"x","meta" : {@} ,"resourceType":"Basic"}',
    ],
    [
      '{"meta":{"tag":[1]},"resourceType":"Basic"}',
      '{"meta":{@,"tag":[1]},"resourceType":"Basic","id":"x"}',
    ],
    [
      '{"id":"x","resourceType":"Basic","meta":{"a":"}","versionId":"1","b":[{"lastUpdated":"in"}],"lastUpdated":"out"}}',
      '{"id":"x","resourceType":"Basic","meta":{@,"a":"}","b":[{"lastUpdated":"in"}]}}',
    ],
    [
      '{"id":"x","resourceType":"Basic","contained":[{"meta":{"versionId":"1"},"id":"y"}]}',
      '{"id":"x","meta":{@},"resourceType":"Basic","contained":[{"meta":{"versionId":"1"},"id":"y"}]}',
    ],
    [
      '{"\\u0069d":"x","resourceType":"Basic"}',
      '{"\\u0069d":"x","meta":{@},"resourceType":"Basic"}',
    ],
    [
      '{"a":"\\\\","id":"x","resourceType":"Basic"}',
      '{"a":"\\\\","id":"x","meta":{@},"resourceType":"Basic"}',
    ],
  ])('turns %j into %j', (text, expected) => {
    expect(stamped(text)).toBe(expected)
  })

  test.each([
    '{"resourceType":"Basic","resourceType":"Basic"}',
    '{"resourceType":"Basic","id":"x","id":"x"}',
    '{"resourceType":"Basic","id":"x","\\u0069d":"y"}',
    '{"resourceType":"Basic","meta":{},"meta":{}}',
    '{"resourceType":"Basic","meta":{"versionId":"1","versionId":"1"}}',
  ])('refuses what is there twice: %j', (text) => {
    const read = (): unknown => stampTemplate(readResourceText(utf8(text)), 'x')

    expect(faultOf(read).fault).toBe('duplicate-element')
  })

  test('changes id and meta only, and gives the same bytes for its own result', () => {
    const members = fc.dictionary(
      fc.string().filter((key) => !['id', 'meta', 'resourceType', '__proto__'].includes(key)),
      fc.jsonValue(),
      { maxKeys: 4 },
    )
    const meta = fc.option(
      fc.dictionary(fc.constantFrom('versionId', 'tag', 'a', 'lastUpdated'), fc.jsonValue()),
    )
    fc.assert(
      fc.property(
        fc.record({ before: members, after: members, meta, space: fc.constantFrom(0, 1, 4) }),
        ({ before, after, meta: metaOrNull, space }) => {
          const resource = {
            ...before,
            ...(metaOrNull !== null && { meta: metaOrNull }),
            resourceType: 'Basic',
            ...after,
          }
          const text = utf8(JSON.stringify(resource, undefined, space))
          const once = stampResource(stampTemplate(readResourceText(text), 'x'), STAMP)
          const twice = stampResource(stampTemplate(readResourceText(once), 'x'), STAMP)

          expect(Buffer.compare(once, twice)).toBe(0)
          expect(once.includes(0x0a)).toBe(false)
          // As JSON has it: there is no -0 in it.
          const expected = JSON.parse(JSON.stringify(resource)) as { meta?: object }
          expect(JSON.parse(new TextDecoder().decode(once))).toEqual({
            ...expected,
            id: 'x',
            meta: { ...expected.meta, versionId: '3', lastUpdated: '2026-01-02T03:04:05.678Z' },
          })
        },
      ),
    )
  })
})
