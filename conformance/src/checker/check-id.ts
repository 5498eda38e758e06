/** The checks, in the order in which they run. */
export const CHECK_IDS = [
  'transport',
  'capability-statement',
  'smart-configuration',
  'token-endpoint',
  'token-required',
  'group-read',
  'kick-off',
  'status',
  'manifest',
  'files',
  'file-encoding',
  'file-access',
  'deleted-files',
  'error-files',
  'kick-off-headers',
  'refusals',
  'output-format',
  'types',
  'since',
  'separate-export-status',
  'elements',
  'type-filter',
  'patient',
  'stu4',
  'unknown-job',
  'delete',
] as const

/** Names a check. */
export type CheckId = (typeof CHECK_IDS)[number]
