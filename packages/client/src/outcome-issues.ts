/** Severity and type of one issue, both from FHIR's own lists or `unknown`. */
export interface OutcomeIssueCode {
  readonly severity: string
  readonly code: string
}

const SEVERITIES: ReadonlySet<string> = new Set(['fatal', 'error', 'warning', 'information'])

/** FHIR R4's value set issue-type. */
const ISSUE_TYPES: ReadonlySet<string> = new Set([
  ...['invalid', 'structure', 'required', 'value', 'invariant'],
  ...['security', 'login', 'unknown', 'expired', 'forbidden', 'suppressed'],
  ...['processing', 'not-supported', 'duplicate', 'multiple-matches', 'not-found', 'deleted'],
  ...['too-long', 'code-invalid', 'extension', 'too-costly', 'business-rule', 'conflict'],
  ...['transient', 'lock-error', 'no-store', 'exception', 'timeout', 'incomplete', 'throttled'],
  'informational',
])

/**
 * Takes severity and code from an OperationOutcome of a provider, and nothing else: the text of a
 * provider can hold patient data, or anything at all.
 *
 * @param outcome - Anything; what is not an OperationOutcome has no issues.
 * @returns `undefined` when it is not an OperationOutcome.
 */
export function outcomeIssues(outcome: unknown): readonly OutcomeIssueCode[] | undefined {
  if (!isRecord(outcome) || outcome['resourceType'] !== 'OperationOutcome') return undefined
  const issues: unknown = outcome['issue']
  if (!Array.isArray(issues)) return []
  return issues.filter(isRecord).map((issue) => ({
    severity: oneOf(SEVERITIES, issue['severity']),
    code: oneOf(ISSUE_TYPES, issue['code']),
  }))
}

function oneOf(known: ReadonlySet<string>, value: unknown): string {
  return typeof value === 'string' && known.has(value) ? value : 'unknown'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
