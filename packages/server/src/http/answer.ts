import type { Readable } from 'node:stream'
import { operationOutcome, type OutcomeIssue } from '@flatfhir/protocol'

/** What a handler answers; the framework is told in one place only. */
export interface Answer {
  readonly status: number
  /** Names in lower case. `content-length` is added for bodies of bytes. */
  readonly headers: Readonly<Record<string, string>>
  /** A stream comes with its `content-length`. */
  readonly body?: Uint8Array | Readable
  /** For streams: told once how many of their bytes were sent, also where that was not all. */
  readonly onSent?: (sentBytes: number) => void
}

/** Media type of every FHIR answer. */
export const FHIR_JSON = 'application/fhir+json'

/** An answer of one FHIR resource, as an object or as JSON text in UTF-8. */
export function fhirAnswer(
  status: number,
  resource: object,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = resource instanceof Uint8Array ? resource : Buffer.from(JSON.stringify(resource))
  return { status, headers: { 'content-type': FHIR_JSON, ...headers }, body }
}

/** An answer of plain JSON, which is what the Output Manifest is. */
export function jsonAnswer(
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** An OperationOutcome of one issue. */
export function outcomeAnswer(
  status: number,
  issue: OutcomeIssue,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return fhirAnswer(status, operationOutcome(issue), headers)
}
