import { randomBytes } from 'node:crypto'
import { BulkDataError } from '@flatfhir/protocol'
import type { Logger } from 'pino'
import { outcomeAnswer, type Answer } from './answer.ts'
import { RequestRefusedError } from './request-refused-error.ts'

/** Seconds after which a request that failed for a passing reason is worth another attempt. */
const RETRY_AFTER_SECONDS = 2

/** What is said of a status that the framework found; its own texts quote the request. */
const FRAMEWORK_REFUSALS: Readonly<Record<number, readonly [issueType: string, text: string]>> = {
  400: ['invalid', 'The request is malformed'],
  408: ['timeout', 'The request did not arrive in time'],
  413: ['too-long', 'The body is too large'],
  414: ['too-long', 'The URL, or a segment of it, is too long'],
  415: ['not-supported', 'This content type is not supported here: send application/fhir+json'],
  417: ['not-supported', 'The expectation cannot be met'],
  431: ['too-long', 'The header fields are too large'],
}

/**
 * The one function that turns an error into an answer, always with an OperationOutcome.
 *
 * What nobody foresaw is a 500 with a random id and nothing else; the log has the same id. Neither
 * the answer nor the log has the message of a foreign error, because it may quote a resource.
 */
export function errorAnswer(error: unknown, log: Logger): Answer {
  if (error instanceof RequestRefusedError) {
    return outcomeAnswer(error.status, error.issue, error.headers)
  }
  const answer = BulkDataError.is(error) ? knownErrorAnswer(error) : frameworkRefusal(error)
  return answer ?? unexpectedFailure(error, log)
}

/** By code, not by class: a store's error may have crossed from another thread. */
function knownErrorAnswer(error: BulkDataError): Answer | undefined {
  switch (error.code) {
    case 'REQUEST_INVALID':
      return refusal(400, issueTypeOf(error), textOf(error))
    case 'SEARCH_INVALID':
      return refusal(400, 'value', textOf(error))
    case 'SEARCH_UNSUPPORTED':
      return refusal(400, 'not-supported', textOf(error))
    case 'RESOURCE_INVALID':
      return refusal(400, 'structure', textOf(error))
    default:
      return error.retryable ? temporaryFailure(error) : undefined
  }
}

function issueTypeOf(error: BulkDataError): string {
  return 'issueType' in error && typeof error.issueType === 'string' ? error.issueType : 'value'
}

/** The answer for a status that was decided before any handler saw the request. */
export function protocolErrorAnswer(status: number): Answer {
  const [issueType, text] = FRAMEWORK_REFUSALS[status] ?? ['invalid', 'The request is malformed']
  return refusal(status, issueType, text)
}

function temporaryFailure(error: BulkDataError): Answer {
  const issue = { severity: 'error', code: 'transient', diagnostics: textOf(error) } as const
  return outcomeAnswer(503, issue, { 'retry-after': String(RETRY_AFTER_SECONDS) })
}

function frameworkRefusal(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  // The client went away in the middle of its body; nobody reads this answer.
  if (error.code === 'ECONNRESET') return protocolErrorAnswer(400)
  if (typeof error.code !== 'string' || !error.code.startsWith('FST_')) return undefined
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined
  return protocolErrorAnswer(status)
}

function unexpectedFailure(error: unknown, log: Logger): Answer {
  const errorId = randomBytes(8).toString('hex')
  log.error({ errorId, ...describe(error) }, 'request failed unexpectedly')
  return refusal(500, 'exception', `Something went wrong on the server (error ${errorId})`)
}

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    error: error.name,
    ...('code' in error && { code: String(error.code) }),
    ...(BulkDataError.is(error) && { message: error.message }),
    frames,
  }
}

function textOf({ message, nextStep }: BulkDataError): string {
  return nextStep === undefined ? message : `${message}. ${nextStep}`
}

function refusal(status: number, issueType: string, diagnostics: string): Answer {
  return outcomeAnswer(status, { severity: 'error', code: issueType, diagnostics })
}
