import { expect, test } from 'vitest'
import type { AssociatedData } from '../src/kick-off-parameters.ts'
import { provenanceRule } from '../src/provenance-rule.ts'

const LATEST: AssociatedData = 'LatestProvenanceResources'
const RELEVANT: AssociatedData = 'RelevantProvenanceResources'

test.each([
  [{}, 'all'],
  [{ types: ['Patient'] as const }, 'none'],
  [{ types: ['Patient', 'Provenance'] as const }, 'all'],
  [{ includeAssociatedData: [LATEST] }, 'latest'],
  [{ includeAssociatedData: [LATEST, RELEVANT] }, 'all'],
  [{ includeAssociatedData: [RELEVANT], types: ['Patient'] as const }, 'all'],
  [{ includeAssociatedData: ['_own'] as const, types: ['Patient'] as const }, 'none'],
])('%j means %s', (parameters, rule) => {
  expect(provenanceRule(parameters)).toBe(rule)
})
