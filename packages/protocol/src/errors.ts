/**
 * Base of every error that flatfhir throws on purpose.
 *
 * **No patient data.** `message` and fields hold identifiers of jobs and files, counts, offsets,
 * status codes and names from the specification only: never resource content, tokens, request
 * bodies or response bodies.
 */
export abstract class BulkDataError extends Error {
  /** Stable across releases: never renamed or reused within a major version. */
  abstract readonly code: string
  /** `true` when the same call, repeated unchanged later, can succeed. */
  abstract readonly retryable: boolean
  /** What the reader of the message can do next, as one sentence. */
  readonly nextStep: string | undefined
  readonly isBulkDataError = true

  constructor(message: string, options: BulkDataErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.nextStep = options.nextStep
  }

  /** Also true for errors of another installed copy of this package, where `instanceof` is not. */
  static is(value: unknown): value is BulkDataError {
    return value instanceof Error && 'isBulkDataError' in value
  }
}

/** What a {@link BulkDataError} may be given beside its message. */
export interface BulkDataErrorOptions {
  readonly cause?: unknown
  readonly nextStep?: string
}

/** What is wrong with a line of an output file, or with a resource's text. */
export type NdjsonFault = 'too-long' | 'not-utf8' | 'not-json' | 'not-an-object'

/** A line of an output file cannot be read as one JSON object. */
export class NdjsonInvalidError extends BulkDataError {
  readonly code = 'NDJSON_INVALID'
  readonly retryable = false
  readonly fault: NdjsonFault
  /** 1-based. */
  readonly lineNumber: number
  /** Bytes from the start of the decompressed file to the start of the line. */
  readonly byteOffset: number

  // No `cause`: the message of JSON.parse's SyntaxError quotes the line, which is patient data.
  constructor(fault: NdjsonFault, lineNumber: number, byteOffset: number) {
    super(`NDJSON line ${lineNumber} at byte ${byteOffset} is ${fault}`)
    this.fault = fault
    this.lineNumber = lineNumber
    this.byteOffset = byteOffset
  }
}

/** Why the text of one resource cannot be taken. */
export type ResourceFault =
  | NdjsonFault
  | 'duplicate-element'
  | 'unknown-type'
  | 'missing-id'
  | 'invalid-id'
  | 'invalid-meta'
  | 'too-deep'
  | 'invalid-group-member'
  | 'wrong-type'
  | 'wrong-id'

/** The text of one resource cannot be taken into a store. */
export class ResourceInvalidError extends BulkDataError {
  readonly code = 'RESOURCE_INVALID'
  readonly retryable = false
  readonly fault: ResourceFault

  constructor(fault: ResourceFault, message: string) {
    super(message)
    this.fault = fault
  }
}

/** A request names something that it may not, or in a form that it may not. */
export class RequestInvalidError extends BulkDataError {
  readonly code = 'REQUEST_INVALID'
  readonly retryable = false
  /** FHIR issue type for the OperationOutcome, for example `value` or `not-supported`. */
  readonly issueType: string

  constructor(issueType: string, message: string, options?: BulkDataErrorOptions) {
    super(message, options)
    this.issueType = issueType
  }
}

/** A manifest, or another answer of a Data Provider, is not what the specification allows. */
export class ManifestInvalidError extends BulkDataError {
  readonly code = 'MANIFEST_INVALID'
  readonly retryable = false
}
