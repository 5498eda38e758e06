import { expect, test } from 'vitest'
import { blockHeaderLine, readBlockHeader } from '../../src/organized-output/block-header.ts'

test('a header is one line that says whose block it begins', () => {
  const line = Buffer.from(blockHeaderLine('Patient', 'p-1')).toString()

  expect(line.endsWith('\n')).toBe(true)
  expect(JSON.parse(line)).toEqual({
    resourceType: 'Parameters',
    parameter: [{ name: 'header', valueReference: { reference: 'Patient/p-1' } }],
  })
  expect(readBlockHeader(JSON.parse(line))).toEqual({ type: 'Patient', id: 'p-1' })
})

test.each(['', 'a/b', '"', 'x'.repeat(65)])('%j is no id to write', (id) => {
  expect(() => blockHeaderLine('Patient', id)).toThrow(RangeError)
})

test.each([
  ['Patient/1', { type: 'Patient', id: '1' }],
  ['Patient/1/_history/2', { type: 'Patient', id: '1' }],
  ['https://example.org/fhir/Encounter/1', { type: 'Encounter', id: '1' }],
  ['urn:uuid:Patient/1', undefined],
  ['example.org/Patient/1', undefined],
  ['https://example.org/1', undefined],
  ['Patient', undefined],
  [7, undefined],
])('reads the reference %j', (reference, expected) => {
  const parameter = [null, { name: 'x' }, { name: 'header', valueReference: { reference } }]

  expect(readBlockHeader({ resourceType: 'Parameters', parameter })).toEqual(expected)
})

test.each([
  null,
  [],
  { resourceType: 'Patient', id: '1' },
  { resourceType: 'Parameters' },
  { resourceType: 'Parameters', parameter: [{ name: 'header', valueString: 'Patient/1' }] },
  { resourceType: 'Parameters', parameter: [{ name: 'other', valueReference: {} }] },
])('%j is no header', (resource) => {
  expect(readBlockHeader(resource)).toBeUndefined()
})
