import { STU1 } from './editions.ts'
import type { Requirements } from './requirement.ts'

/** What is particular to STU1. */
export const STU1_REQUIREMENTS: Requirements = {
  'flatfhir.stu1@kick-off-get': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU1',
    behavior: 'A kick-off by GET with Accept and Prefer of STU1 is taken.',
    source: `${STU1}export/index.html#bulk-data-kick-off-request`,
    blackBox: 'kick-off',
  },
  'flatfhir.stu1@manifest-fields': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU1',
    behavior:
      'The manifest has what readers of STU1 need: transactionTime, request, requiresAccessToken, output and error.',
    source: `${STU1}export/index.html#response---complete-status`,
    blackBox: 'manifest',
  },
  'flatfhir.stu1@client': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU1',
    behavior: 'The client exports from a server of STU1, by GET.',
    source: `${STU1}export/index.html#bulk-data-kick-off-request`,
  },
}
