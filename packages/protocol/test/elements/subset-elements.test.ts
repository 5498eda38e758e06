import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementSelection, type ElementSelector } from '../../src/elements/element-selection.ts'
import { subsetElements, subsetLines } from '../../src/elements/subset-elements.ts'

const TAG = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
}
const TAG_TEXT = JSON.stringify(TAG)
const NAME: readonly ElementSelector[] = [{ element: 'name' }]

describe('what stays', () => {
  test.each<[string, readonly ElementSelector[], string, string]>([
    [
      'the listed elements, with the extensions of primitives',
      [{ element: 'birthDate' }, { type: 'Patient', element: 'name' }],
      '{"resourceType":"Patient","id":"1","name":[{"family":"A"}],"gender":"male","birthDate":"1970","_birthDate":{"id":"x"},"_gender":{"id":"y"}}',
      '"name":[{"family":"A"}],"birthDate":"1970","_birthDate":{"id":"x"}',
    ],
    [
      'a choice whatever its type is',
      [{ type: 'Observation', element: 'value' }],
      '{"resourceType":"Observation","id":"1","status":"final","code":{},"issued":"x","valueString":"v","_valueString":{"id":"z"},"valueless":1}',
      '"status":"final","code":{},"valueString":"v","_valueString":{"id":"z"}',
    ],
    [
      'mandatory elements, choices among them',
      [{ element: 'id' }],
      '{"resourceType":"MedicationRequest","id":"1","status":"active","intent":"order","medicationReference":{"reference":"#m"},"subject":{},"note":[]}',
      '"status":"active","intent":"order","medicationReference":{"reference":"#m"},"subject":{}',
    ],
    [
      'what says how to read the resource',
      [{ element: 'id' }],
      '{"resourceType":"Patient","id":"1","implicitRules":"r","language":"de","modifierExtension":[{"url":"u"}],"extension":[]}',
      '"implicitRules":"r","modifierExtension":[{"url":"u"}]',
    ],
    [
      'nothing but the mandatory where only other types are listed',
      [{ type: 'Observation', element: 'subject' }],
      '{"resourceType":"Patient","id":"1","gender":"male","subject":{}}',
      '',
    ],
    [
      'modifier extensions inside of what stays',
      NAME,
      '{"resourceType":"Patient","id":"1","contact":[{"modifierExtension":[]}],"name":[{"modifierExtension":[]}]}',
      '"name":[{"modifierExtension":[]}]',
    ],
  ])('%s', (...[, selectors, text, kept]) => {
    const type = (JSON.parse(text) as { resourceType: string }).resourceType

    const subset = subsetOf(text, selectors)

    const head = `{"resourceType":"${type}","id":"1","meta":{"tag":[${TAG_TEXT}]}`
    expect(subset).toBe(`${head}${kept === '' ? '' : `,${kept}`}}`)
  })

  test('contained resources stay where what stays refers to one', () => {
    const resource = (subject: string): string =>
      `{"resourceType":"Observation","contained":[{"resourceType":"Patient"}],"subject":{"reference":${subject}},"status":"final","code":{}}`

    const without = subsetOf(resource('"#p"'), [{ element: 'code' }])
    const withLink = subsetOf(resource('"#p"'), [{ element: 'subject' }])
    const escaped = subsetOf(resource(String.raw`"\u0023p"`), [{ element: 'subject' }])
    const elsewhere = subsetOf(resource('"Patient/1"'), [{ element: 'subject' }])

    expect(without).not.toContain('contained')
    expect(withLink).toContain('"contained":[{"resourceType":"Patient"}]')
    expect(escaped).toContain('"contained":[{"resourceType":"Patient"}]')
    expect(elsewhere).not.toContain('contained')
  })

  test('numbers, escapes and blanks inside of values stay as they were written', () => {
    const value = String.raw`{ "value" : 1.50, "big":123456789012345678, "e":"\u00e9\/ü" }`
    const text = ` { "resourceType" : "Observation" ,\t"valueQuantity" : ${value} , "status":"final"} `

    const subset = subsetOf(text, [{ element: 'value' }])

    expect(subset).toBe(
      `{"resourceType" : "Observation","meta":{"tag":[${TAG_TEXT}]},"valueQuantity" : ${value},"status":"final"}`,
    )
  })
})

describe('the tag SUBSETTED', () => {
  test.each([
    ['{}', `{"tag":[${TAG_TEXT}]}`],
    ['{ }', `{ "tag":[${TAG_TEXT}]}`],
    ['null', `{"tag":[${TAG_TEXT}]}`],
    ['{"versionId":"1"}', `{"versionId":"1","tag":[${TAG_TEXT}]}`],
    ['{"tag":[],"a":1}', `{"tag":[${TAG_TEXT}],"a":1}`],
    ['{"tag":null,"a":1}', `{"tag":[${TAG_TEXT}],"a":1}`],
    ['{"tag":[ {"code":"x"} ]}', `{"tag":[ {"code":"x"} ,${TAG_TEXT}]}`],
    ['{"tag":[{"code":"SUBSETTED"}]}', `{"tag":[{"code":"SUBSETTED"},${TAG_TEXT}]}`],
    [`{"tag":[${TAG_TEXT}], "a":1}`, `{"tag":[${TAG_TEXT}], "a":1}`],
    [String.raw`{"\u0074ag":[]}`, String.raw`{"\u0074ag":[` + `${TAG_TEXT}]}`],
    ['{"tag":[1],"tag":[]}', `{"tag":[1],"tag":[${TAG_TEXT}]}`],
  ])('meta %s becomes %s', (meta, expected) => {
    const subset = subsetOf(`{"resourceType":"Patient","meta":${meta},"gender":"male"}`, NAME)

    expect(subset).toBe(`{"resourceType":"Patient","meta":${expected}}`)
  })

  test('is added in front where the text does not begin with type and id', () => {
    const subset = subsetOf('{"name":[],"resourceType":"Patient"}', NAME)

    expect(subset).toBe(`{"meta":{"tag":[${TAG_TEXT}]},"name":[],"resourceType":"Patient"}`)
  })

  test('is all that is left of nothing', () => {
    expect(subsetOf('{}', NAME)).toBe(`{"meta":{"tag":[${TAG_TEXT}]}}`)
    expect(subsetOf('{"resourceType":7,"a":1}', NAME)).toBe(
      `{"resourceType":7,"meta":{"tag":[${TAG_TEXT}]}}`,
    )
  })
})

describe('against a naive implementation', () => {
  const KEYS = ['name', '_name', 'gender', 'status', 'id', 'meta', 'birthDate', 'constructor', 'ü']
  const KEPT = new Set(['resourceType', 'id', '_id', 'name', '_name', 'birthDate', 'meta', '_meta'])
  const blank = fc.constantFrom('', ' ', '\t ')
  const keyText = fc
    .tuple(fc.constantFrom(...KEYS), fc.nat(3))
    .map(([key, at]) => ({ key, text: escapedAt(key, at) }))
  const valueText = fc
    .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, '\t'))
    .map(([value, indent]) => JSON.stringify(value, null, indent).replace(/\n/g, ' '))
  const member = fc
    .tuple(keyText, blank, blank, valueText)
    .map(([{ key, text }, before, after, value]) => ({
      key,
      text: `${text}${before}:${after}${value}`,
    }))
  const selectors: readonly ElementSelector[] = [
    { type: 'Patient', element: 'name' },
    { element: 'birthDate' },
    { type: 'Observation', element: 'status' },
  ]

  test('the same elements stay, byte for byte, whatever the text looks like', () => {
    fc.assert(
      fc.property(fc.array(member), fc.nat(10), blank, (members, at, space) => {
        const type = { key: 'resourceType', text: '"resourceType":"Patient"' }
        const all = members.toSpliced(at % (members.length + 1), 0, type)
        const text = `{${space}${all.map((one) => one.text).join(`${space},${space}`)}${space}}`

        const subset = subsetOf(text, selectors)

        const expected = Object.fromEntries(
          Object.entries(JSON.parse(text) as object).filter(([key]) => KEPT.has(key)),
        )
        expect(JSON.parse(subset)).toEqual({ ...expected, meta: tagged(expected['meta']) })
        for (const { key, text: memberText } of all) {
          if (KEPT.has(key) && key !== 'meta') expect(subset).toContain(memberText)
        }
        expect(subsetOf(subset, selectors)).toBe(subset)
      }),
    )
  })

  function tagged(meta: unknown): object {
    const fields = typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta : {}
    return { ...fields, tag: [TAG] }
  }
})

test('a block of lines is what its lines are', () => {
  const selection = elementSelection(NAME)
  const line = fc
    .record(
      {
        resourceType: fc.constantFrom('Patient', 'Observation'),
        meta: fc.constantFrom({}, { tag: [] }, { tag: [TAG] }),
        name: fc.jsonValue({ maxDepth: 2 }),
        code: fc.string(),
      },
      { requiredKeys: ['resourceType'] },
    )
    .map((resource) => JSON.stringify(resource))
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.boolean(), (...[lines, isEnded, hasBlanks]) => {
      const block = Buffer.from(lines.join(hasBlanks ? '\n \n' : '\n') + (isEnded ? '\n' : ''))

      const subset = Buffer.from(subsetLines(block, selection)).toString()

      expect(subset).toBe(lines.map((one) => `${subsetOf(one, NAME)}\n`).join(''))
    }),
  )
})

test('a small rest of a large text does not keep its memory', () => {
  const text = `{"resourceType":"Patient","photo":"${'x'.repeat(1_000_000)}"}`

  const subset = subsetElements(Buffer.from(text), elementSelection(NAME))

  expect(subset.buffer.byteLength).toBeLessThan(100_000)
})

test('deep nesting costs no stack', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`

  const subset = subsetOf(`{"resourceType":"Patient","name":${deep},"gender":${deep}}`, NAME)

  expect(subset).toContain(`"name":${deep}`)
  expect(subset).not.toContain('gender')
})

function subsetOf(text: string, selectors: readonly ElementSelector[]): string {
  // Inside of a larger buffer, as lines of a block are.
  const padded = Buffer.from(`}},${text},"x":1`)
  const bytes = new Uint8Array(padded.buffer, padded.byteOffset + 3, Buffer.byteLength(text))
  return Buffer.from(subsetElements(bytes, elementSelection(selectors))).toString('utf8')
}

function escapedAt(key: string, at: number): string {
  const character = key[at]
  if (at === 0 || character === undefined) return JSON.stringify(key)
  const code = character.charCodeAt(0).toString(16).padStart(4, '0')
  return `"${key.slice(0, at)}\\u${code}${key.slice(at + 1)}"`
}
