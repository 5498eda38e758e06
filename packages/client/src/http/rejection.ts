import { type OutcomeIssueCode, outcomeIssues } from '../outcome-issues.ts'
import type { ProviderResponse } from './provider-http.ts'
import { readJson } from './read-body.ts'

const MAX_OUTCOME_BYTES = 1024 * 1024

/** Reads the issues of the OperationOutcome in an answer; `undefined` when it holds none. */
export async function readIssues(
  response: ProviderResponse,
): Promise<readonly OutcomeIssueCode[] | undefined> {
  // Whatever is wrong with the body of an error, the error is what matters.
  return readJson(response, MAX_OUTCOME_BYTES).then(outcomeIssues, () => undefined)
}

/** What a refusal says. */
export interface Refusal {
  readonly issues: readonly OutcomeIssueCode[]
  /** For comparison with what is known of a vendor only: never to be shown, kept or logged. */
  readonly text: string
}

/** Reads the body of a refusal; never fails. */
export async function readRefusal(response: ProviderResponse): Promise<Refusal> {
  const json = await readJson(response, MAX_OUTCOME_BYTES).catch(() => undefined)
  return { issues: outcomeIssues(json) ?? [], text: JSON.stringify(json ?? '') }
}
