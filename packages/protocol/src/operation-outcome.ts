/** One issue of an OperationOutcome, with codes of FHIR R4's value sets. */
export interface OutcomeIssue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information'
  /** FHIR issue type, for example `not-found`. */
  readonly code: string
  /** What happened, for a person; no patient data. */
  readonly diagnostics: string
}

/** FHIR R4 OperationOutcome, as far as flatfhir writes it. */
export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome'
  readonly issue: readonly OutcomeIssue[]
}

/** Makes an OperationOutcome. */
export function operationOutcome(...issue: readonly OutcomeIssue[]): OperationOutcome {
  return { resourceType: 'OperationOutcome', issue }
}
