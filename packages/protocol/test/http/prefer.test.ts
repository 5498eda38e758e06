import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodePreferenceApplied, parsePrefer } from '../../src/http/prefer.ts'

const NOTHING = { respondAsync: false, separateExportStatus: false }

test.each([
  [undefined, NOTHING],
  ['', NOTHING],
  ['respond-async', { ...NOTHING, respondAsync: true }],
  ['Respond-Async; wait=10', { ...NOTHING, respondAsync: true }],
  [
    'respond-async, handling=lenient, separate-export-status',
    { respondAsync: true, handling: 'lenient', separateExportStatus: true },
  ],
  ['HANDLING="Strict"', { ...NOTHING, handling: 'strict' }],
  ['handling = lenient', { ...NOTHING, handling: 'lenient' }],
  ['handling=lenient, handling=strict', { ...NOTHING, handling: 'lenient' }],
  ['handling=whatever', NOTHING],
  ['handling', NOTHING],
  ['foo="respond-async, handling=lenient"', NOTHING],
  ['foo="a\\", respond-async"', NOTHING],
  ['foo; respond-async', NOTHING],
  [',, respond-async ,', { ...NOTHING, respondAsync: true }],
  ['not-respond-async', NOTHING],
  ['return=OperationOutcome', { ...NOTHING, return: 'OperationOutcome' }],
  ['return=minimal', { ...NOTHING, return: 'minimal' }],
])('Prefer: %s', (header, expected) => {
  expect(parsePrefer(header)).toEqual(expected)
})

test('finds a preference among any others, whatever they are', () => {
  const other = fc.stringMatching(/^[a-z]{1,8}(="[^"\\]{0,8}")?(; ?[a-z]{1,5}(=[a-z0-9]{1,5})?)?$/)
  fc.assert(
    fc.property(fc.array(other), fc.array(other), (before, after) => {
      const header = [...before, 'respond-async', ...after].join(', ')

      expect(parsePrefer(header).respondAsync).toBe(true)
    }),
  )
})

test('never throws', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      expect(typeof parsePrefer(header).respondAsync).toBe('boolean')
    }),
  )
})

test.each([
  [{ separateExportStatus: false }, 'respond-async'],
  [{ separateExportStatus: true }, 'respond-async, separate-export-status'],
  [
    { separateExportStatus: true, handling: 'lenient' as const },
    'respond-async, separate-export-status, handling=lenient',
  ],
])('%j is told in Preference-Applied, in the form of Prefer', (applied, text) => {
  expect(encodePreferenceApplied(applied)).toBe(text)
  expect(parsePrefer(text)).toEqual({ respondAsync: true, ...applied })
})
