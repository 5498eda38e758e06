import { type RequestName, RequestRejectedError } from '../errors.ts'
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

/** Makes the error for an answer that ends the run; reads the body. */
export async function rejection(
  request: RequestName,
  response: ProviderResponse,
): Promise<RequestRejectedError> {
  return new RequestRejectedError(request, response.status, await readIssues(response))
}
