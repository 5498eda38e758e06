import type { AuditAnchor } from '@flatfhir/server'
import { path, type ValueType } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir audit verify`. */
export interface AuditVerifyOptions {
  readonly data: string
  readonly anchor: AuditAnchor | undefined
  readonly start: AuditAnchor | undefined
}

const group = 'Audit:'

/** An event of the log: its number and the SHA-256 of its line. */
const anchor: ValueType<AuditAnchor> = {
  placeholder: 'N:SHA256',
  repeatable: false,
  expected: 'the number of an event, a colon, and the SHA-256 of its line, as audit verify prints',
  parse: (raw) => {
    const match = /^(\d{1,10}):([0-9a-f]{64})$/.exec(typeof raw === 'string' ? raw : '')
    return match === null ? undefined : { sequence: Number(match[1]), sha256: match[2] ?? '' }
  },
  format: formatAnchor,
}

/** `12:9f86d0…`. */
export function formatAnchor({ sequence, sha256 }: AuditAnchor): string {
  return `${sequence}:${sha256}`
}

/** `flatfhir audit verify`: whether the audit log is what was written. */
export const AUDIT_VERIFY_COMMAND: Command = defineCommand<AuditVerifyOptions>({
  name: 'audit verify',
  summary: 'Check that nothing in the audit log was changed, removed or put in',
  description:
    'Checks every event of the audit log against the chain of digests, also while the server runs, and names the first file and line that is not what was written; the exit code is 3 then. Nobody can tell by the log alone that its newest events were cut off: keep the last line that this command prints somewhere else, and give it as --anchor the next time.',
  options: {
    data: {
      type: path('DIR'),
      description: 'Data directory of the server',
      required: true,
      group,
    },
    anchor: {
      type: anchor,
      description: 'An event that was there at an earlier verification',
      group,
    },
    start: {
      type: anchor,
      description: 'The last event of files that were moved to an archive',
      defaultText: 'the log is whole',
      group,
    },
  },
  examples: [{ line: 'flatfhir audit verify --data data', does: 'every event of the log' }],
  run: async (options, context) => {
    const { runAuditVerify } = await import('./run-audit-verify.ts')
    return runAuditVerify(options, context)
  },
})
