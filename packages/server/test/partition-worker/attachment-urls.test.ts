import fc from 'fast-check'
import { expect, test } from 'vitest'
import { absoluteAttachmentUrls } from '../../src/partition-worker/attachment-urls.ts'

const BASE = 'https://bulk.example.org/fhir'

function absolute(text: string): string {
  return Buffer.from(absoluteAttachmentUrls(Buffer.from(text), BASE)).toString()
}

test.each([
  ['{"url":"Binary/1"}', `{"url":"${BASE}/Binary/1"}`],
  ['{"url" : "Binary/1"}', `{"url" : "${BASE}/Binary/1"}`],
  [String.raw`{"url":"Binary\/1"}`, String.raw`{"url":"${BASE}/Binary\/1"}`],
  ['{"url":"Binary/1/_history/2"}', `{"url":"${BASE}/Binary/1/_history/2"}`],
  [
    '[{"url":"Binary/1"},{"url":"Binary/2"}]',
    `[{"url":"${BASE}/Binary/1"},{"url":"${BASE}/Binary/2"}]`,
  ],
])('%s becomes absolute', (text, expected) => {
  expect(absolute(text)).toBe(expected)
})

test.each([
  '{"reference":"Binary/1"}',
  '{"url":"https://example.org/Binary/1"}',
  '{"url":"Binary"}',
  '{"url":"Binary/"}',
  '{"url":"Binary/a b"}',
  '{"url":"BinaryFile/1"}',
  '{"xurl":"Binary/1"}',
  '["url","Binary/1"]',
  '{"a":"Binary/1","url":"x"}',
  String.raw`{"div":"{\"url\":\"Binary/1\"}"}`,
  String.raw`{"div":"\\\"url\":\"Binary/1\""}`,
  '"Binary/1"',
  'Binary',
  '',
])('%s stays as it is, the same bytes', (text) => {
  const bytes = Buffer.from(text)

  expect(absoluteAttachmentUrls(bytes, BASE)).toBe(bytes)
})

const WORDS = ['url', 'Binary/1', 'Binary', '"url":"Binary/2"', 'a"b\\', 'Ünï']

/** What a reader who parses would do. */
function expected(value: unknown, key?: string): unknown {
  if (typeof value === 'string') {
    return key === 'url' && /^Binary\/[A-Za-z0-9\-.]{1,64}$/.test(value)
      ? `${BASE}/${value}`
      : value
  }
  if (Array.isArray(value)) return value.map((each) => expected(each))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, each]) => [
      name,
      expected(each, name),
    ]),
  )
}

test('it does what one who parses the text would do', () => {
  const word = fc.constantFrom(...WORDS)
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      expect(JSON.parse(absolute(text))).toEqual(expected(JSON.parse(text)))
    }),
  )
})
