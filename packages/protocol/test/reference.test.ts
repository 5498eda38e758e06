import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RESOURCE_TYPES } from '../src/generated/resource-types.ts'
import { parseReference } from '../src/reference.ts'
import { isResourceId } from '../src/resource-id.ts'
import { isResourceType } from '../src/resource-type.ts'

const anyId = fc.stringMatching(/^[A-Za-z0-9\-.]{1,64}$/)
const anyType = fc.constantFrom(...RESOURCE_TYPES)

test('reads every relative reference, with a version and without', () => {
  fc.assert(
    fc.property(anyType, anyId, fc.option(anyId), (type, id, version) => {
      const text = `${type}/${id}${version === null ? '' : `/_history/${version}`}`

      expect(parseReference(text)).toEqual({ type, id })
    }),
  )
})

test.each([
  '',
  '/',
  'Patient',
  'Patient/',
  '/Patient/1',
  'Patient/1/',
  'Patient//1',
  'Patient/1/_history',
  'Patient/1/_history/',
  'Patient/1/_history/1/',
  'Patient/1/other/2',
  'Patient/1#fragment',
  '#p1',
  'patient/1',
  'Unknown/1',
  'Resource/1',
  'Patient?identifier=1',
  'urn:uuid:6c0a5b1e-1fc1-4f0e-b0cc-2f6a5a0f1c11',
  'https://example.org/fhir/Patient/1',
  'Patient/a b',
  `Patient/${'a'.repeat(65)}`,
  'Patient/1\n',
])('is undefined for %j', (text) => {
  expect(parseReference(text)).toBeUndefined()
})

test('never throws and only gives a type and an id that are allowed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.string({ unit: 'binary' })), (text) => {
      const reference = parseReference(text)

      if (reference === undefined) return
      expect(isResourceType(reference.type) && isResourceId(reference.id)).toBe(true)
      expect(text.startsWith(`${reference.type}/${reference.id}`)).toBe(true)
    }),
  )
})

test('a text of 20 MB costs one look at it', () => {
  const long = 'Patient/'.concat('a/'.repeat(10_000_000))
  const startedAt = performance.now()

  expect(parseReference(long)).toBeUndefined()

  expect(performance.now() - startedAt).toBeLessThan(1000)
})

test.each([
  ['a', true],
  ['A-1.b', true],
  ['..', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['', false],
  ['a_b', false],
  ['a/b', false],
  ['é', false],
  ['a\n', false],
])('isResourceId(%j) is %s', (text, expected) => {
  expect(isResourceId(text)).toBe(expected)
})

test.each(['constructor', '__proto__', 'toString', 'patient', 'Patient ', ''])(
  '%j is no resource type',
  (text) => {
    expect(isResourceType(text)).toBe(false)
  },
)
