import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deletionBundleLine, readDeletionBundle } from '../src/deletion-bundle.ts'
import { RESOURCE_TYPES } from '../src/generated/resource-types.ts'

test('reads back what it writes, which is one line', () => {
  const anyId = fc.stringMatching(/^[A-Za-z0-9\-.]{1,64}$/)
  fc.assert(
    fc.property(fc.constantFrom(...RESOURCE_TYPES), anyId, (type, id) => {
      const line = deletionBundleLine(type, id)

      expect(line).not.toContain('\n')
      expect(readDeletionBundle(JSON.parse(line))).toEqual([{ type, id }])
    }),
  )
})

test('writes a transaction with one DELETE', () => {
  expect(JSON.parse(deletionBundleLine('Patient', '123'))).toEqual({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ request: { method: 'DELETE', url: 'Patient/123' } }],
  })
})

test('reads several entries, absolute URLs and long ids', () => {
  const longId = 'e'.repeat(80)
  const bundle = transactionOf(
    { method: 'DELETE', url: 'https://example.org/fhir/Patient/1' },
    { method: 'DELETE', url: `Observation/${longId}` },
  )

  expect(readDeletionBundle(bundle)).toEqual([
    { type: 'Patient', id: '1' },
    { type: 'Observation', id: longId },
  ])
})

test('reads a Bundle without entries as no deletions', () => {
  expect(readDeletionBundle({ resourceType: 'Bundle', type: 'transaction' })).toEqual([])
})

test.each([
  [null, 'wrong-type'],
  [[], 'wrong-type'],
  [{ resourceType: 'Patient' }, 'wrong-type'],
  [{ resourceType: 'Bundle', type: 'batch', entry: [] }, 'wrong-type'],
  [{ resourceType: 'Bundle', type: 'transaction', entry: {} }, 'wrong-type'],
  [{ resourceType: 'Bundle', type: 'transaction', entry: [null] }, 'wrong-type'],
  [transactionOf({ method: 'PUT', url: 'Patient/1' }), 'wrong-type'],
  [transactionOf({ method: 'DELETE' }), 'missing-id'],
  [transactionOf({ method: 'DELETE', url: 'Secret/1' }), 'unknown-type'],
  [transactionOf({ method: 'DELETE', url: 'Patient?name=Secret' }), 'unknown-type'],
  [transactionOf({ method: 'DELETE', url: 'Patient/Secret?x' }), 'invalid-id'],
  [transactionOf({ method: 'DELETE', url: 'Patient/' }), 'invalid-id'],
])('refuses %j without quoting it', (bundle, fault) => {
  const read = () => readDeletionBundle(bundle)

  expect(read).toThrow(expect.objectContaining({ code: 'RESOURCE_INVALID', fault }) as Error)
  expect(read).not.toThrow(/Secret/)
})

function transactionOf(...requests: readonly object[]): object {
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: requests.map((request) => ({ request })),
  }
}
