import { bulkData } from '../requirements/ids.ts'
import type { CheckAnswer } from './check-http.ts'
import type { Findings } from './findings.ts'
import { isOperationOutcome } from './json.ts'
import { isJson } from './media-type.ts'
import { shownHeader } from './printable.ts'

/** How an answer looks in a report. */
export function shownAnswer({ status, headers, json }: CheckAnswer): string {
  const body = isOperationOutcome(json) ? ', OperationOutcome' : ''
  return `HTTP ${status}, ${shownHeader(headers, 'content-type')}${body}`
}

/** Whether an answer is a 4XX or 5XX. */
export function isError({ status }: CheckAnswer): boolean {
  return status >= 400 && status <= 599
}

/** Whether an error comes with an OperationOutcome in JSON. */
export function hasOutcome({ headers, json }: CheckAnswer): boolean {
  return isOperationOutcome(json) && isJson(headers['content-type'])
}

/** Looks at a kick-off that was not taken; `what` says for what. */
export function requireRefusal(findings: Findings, answer: CheckAnswer, what: string): void {
  const seen = `${what}: ${shownAnswer(answer)}`
  findings.require(bulkData(303), isError(answer), seen)
  findings.require(bulkData(304), hasOutcome(answer), seen)
}
