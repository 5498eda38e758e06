import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readExport } from './exported.ts'
import { storedOf, textOf, utf8 } from './resources.ts'
import type { RandomRuns } from './since-chain.ts'
import type { OpenStore } from './store-fixture.ts'

const STAMP = /"versionId":"\d+","lastUpdated":"[^"]+"/
const BS = '\\'

/** Texts that a parser which writes them again would change, around the place of `meta`. */
const UNUSUAL_MEMBERS: readonly (readonly [string, string])[] = [
  ['decimals', '"a":[1.50,1e400,-0,0.0,0.1000000000000000055,1E-7,100e-2]'],
  ['integers', '"a":123456789012345678901234567890,"b":9007199254740993'],
  ['key order', '"b":1,"a":2,"10":3,"2":4'],
  [
    'escapes',
    `"a":"${BS}u00e9 ${BS}/ ${BS}ud83d${BS}ude00 ${BS}u0041 ${BS}u2028 ${BS}u0000 ${BS}"${BS}${BS}"`,
  ],
  ['lone surrogates', `"a":"${BS}ud800 ${BS}udfff"`],
  ['non-ASCII', '"a":"é€😀\u2028\u2029\u007f\ufeff"'],
  ['duplicate keys elsewhere', '"a":{"b":1,"b":2},"c":3,"c":4'],
  ['blanks', '"a" :  [ 1 ,\t2 ] '],
  [
    'keys like ours below',
    '"contained":[{"id":"x","meta":{"versionId":"7"},"resourceType":"Basic"}]',
  ],
  ['__proto__', '"__proto__":{"a":1},"constructor":2'],
  ['quotes and braces in strings', `"a":"{${BS}"id${BS}":${BS}"z${BS}"}],","b":"${BS}${BS}"`],
]

/** What is stored and exported is the text that came in, but for `meta`. */
export function bytesTests(openStore: OpenStore, { runs = 12 }: RandomRuns): void {
  describe('texts', () => {
    test.each(UNUSUAL_MEMBERS)('keeps %s as they were written', async (_, members) => {
      const text = `{"resourceType":"Basic","id":"x",${members}}`

      const stored = await storeAndExport(openStore, text)

      expect(stored.replace(STAMP, '')).toBe(text.replace('"id":"x",', '"id":"x","meta":{},'))
    })

    test.each([
      [
        'first',
        '{"meta":{"tag":[]},"resourceType":"Basic","id":"x"}',
        '{"meta":{@,"tag":[]},"resourceType":"Basic","id":"x"}',
      ],
      [
        'last',
        '{"id":"x","resourceType":"Basic","meta":{"tag":[]}}',
        '{"id":"x","resourceType":"Basic","meta":{@,"tag":[]}}',
      ],
      [
        'absent',
        '{"id":"x","resourceType":"Basic"}',
        '{"id":"x","meta":{@},"resourceType":"Basic"}',
      ],
      [
        'empty',
        '{"id":"x","meta":{},"resourceType":"Basic"}',
        '{"id":"x","meta":{@},"resourceType":"Basic"}',
      ],
      [
        'with a versionId in the middle',
        '{"id":"x","meta":{"source":"a\\u0062","versionId":"9","profile":["p"],"lastUpdated":"2020-01-01T00:00:00Z"},"resourceType":"Basic"}',
        '{"id":"x","meta":{@,"source":"a\\u0062","profile":["p"]},"resourceType":"Basic"}',
      ],
      [
        'with escaped keys',
        '{"\\u0069d":"x","m\\u0065ta":{"version\\u0049d":"1"},"resourceType":"Basic"}',
        '{"\\u0069d":"x","m\\u0065ta":{@},"resourceType":"Basic"}',
      ],
    ])('stamps meta that is %s', async (_, text, expected) => {
      const stored = await storeAndExport(openStore, text)

      expect(stored.replace(STAMP, '@')).toBe(expected)
    })

    test('puts a text that is spread over lines on one, and changes nothing else', async () => {
      const text =
        '\r\n {\r\n  "resourceType" : "Basic",\n\t"id":"x",\n  "a": [ 1.50,\n 2 ],\n "b":"c  d" }\n'

      const stored = await storeAndExport(openStore, text)

      expect(stored).not.toMatch(/[\r\n]/)
      expect(stored.replace(/,"meta":\{[^}]*\}/, '')).toBe(
        '{"resourceType" : "Basic","id":"x","a": [ 1.50,2 ],"b":"c  d" }',
      )
    })

    test.each([10, 100_000])('keeps a text with blanks around it (%i bytes)', async (bytes) => {
      const text = `  {"resourceType":"Basic","id":"x","a":"${'x'.repeat(bytes)}"} \t `

      const stored = await storeAndExport(openStore, text)

      expect(stored.replace(/,"meta":\{[^}]*\}/, '')).toBe(text.trim())
    })

    test('keeps any JSON text but for meta', async () => {
      const { store } = await openStore()
      let number = 0
      await fc.assert(
        fc.asyncProperty(fc.array(jsonMembers, { minLength: 1, maxLength: 20 }), async (texts) => {
          const bodies = texts.map((members) => {
            number += 1
            return {
              id: `n${number}`,
              text: `{"id":"n${number}"${members},"resourceType":"Basic"}`,
            }
          })
          const before = await store.takeSnapshot()
          await store.write(
            bodies.map(({ id, text }) => ({ kind: 'update', type: 'Basic', id, body: utf8(text) })),
          )
          const sinceMs = before.transactionTime.getTime()
          const { lines } = await readExport(store, { level: 'system', sinceMs })
          const kept = lines.map(({ text }) => text.replace(/,"meta":\{[^}]*\}/, ''))
          expect(kept).toEqual(bodies.map(({ text }) => text))
        }),
        { numRuns: runs * 2 },
      )
    })
  })
}

const blanks = fc.constantFrom('', '', '', ' ', '\t', '  ')
const numbers = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?$/),
  fc.integer().map(String),
)
const strings = fc
  .array(
    fc.oneof(
      fc
        .string({ unit: 'grapheme', maxLength: 8 })
        .map((text) => JSON.stringify(text).slice(1, -1)),
      fc.stringMatching(/^\\u[0-9a-fA-F]{4}$/),
      fc.constantFrom('\\/', '\\"', '\\\\', '\\n', '{', '}', '[', ']', ',', ':', 'meta'),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => `"${pieces.join('')}"`)

const { value: jsonValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('true', 'false', 'null'),
    numbers,
    strings,
    fc
      .array(fc.tuple(blanks, tie('value'), blanks), { maxLength: 3 })
      .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
    fc
      .array(fc.tuple(blanks, strings, blanks, tie('value'), blanks), { maxLength: 3 })
      .map(
        (items) =>
          `{${items.map(([a, key, b, value, c]) => `${a}${key}${b}:${value}${c}`).join(',')}}`,
      ),
  ),
}))

const SINGULAR = new Set(['id', 'meta', 'resourceType'])
const memberKeys = strings.filter((key) => !SINGULAR.has(JSON.parse(key) as string))
const jsonMembers = fc
  .array(fc.tuple(blanks, memberKeys, blanks, jsonValue), { maxLength: 4 })
  .map((members) => members.map(([a, key, b, value]) => `,${a}${key}${b}:${value}`).join(''))

async function storeAndExport(openStore: OpenStore, text: string): Promise<string> {
  const { store } = await openStore()
  const [result] = await store.write([{ kind: 'update', type: 'Basic', id: 'x', body: utf8(text) }])
  const { lines } = await readExport(store, { level: 'system' })
  expect(lines).toHaveLength(1)
  expect(lines[0]?.text).toBe(textOf(storedOf(result).body))
  return lines[0]?.text ?? ''
}
