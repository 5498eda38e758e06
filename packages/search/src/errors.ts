import { BulkDataError } from '@flatfhir/protocol'

/** What a search error is about; names come from the request, cut and without strange characters. */
export interface SearchFaultPlace {
  /** Resource type of the search. */
  readonly type: string | undefined
  /** Parameter as written, with its modifier or chain: `subject:Patient.name`. */
  readonly parameter: string | undefined
}

/**
 * A search names a parameter, modifier or context that is not supported here.
 *
 * In lenient handling unsupported parameters are ignored and reported instead.
 *
 * @see {@link https://hl7.org/fhir/R4/search.html#errors | FHIR R4: Handling errors}
 */
export class SearchUnsupportedError extends BulkDataError implements SearchFaultPlace {
  readonly code = 'SEARCH_UNSUPPORTED'
  readonly retryable = false
  /** FHIR issue type for the OperationOutcome. */
  readonly issueType = 'not-supported'
  readonly type: string | undefined
  readonly parameter: string | undefined

  constructor(message: string, place: SearchFaultPlace, nextStep: string) {
    super(message, { nextStep })
    this.type = place.type
    this.parameter = place.parameter
  }
}

/**
 * A search cannot be read: a broken escape, a value that its parameter's type does not allow, a
 * search that is too long.
 *
 * Values are never quoted: they may be about a patient.
 */
export class SearchInvalidError extends BulkDataError implements SearchFaultPlace {
  readonly code = 'SEARCH_INVALID'
  readonly retryable = false
  /** FHIR issue type for the OperationOutcome. */
  readonly issueType = 'value'
  readonly type: string | undefined
  readonly parameter: string | undefined

  constructor(message: string, place: SearchFaultPlace, nextStep: string) {
    super(message, { nextStep })
    this.type = place.type
    this.parameter = place.parameter
  }
}

const LONGEST_NAME = 100

/** A name out of a request, as a message may show it: short, and letters of FHIR names only. */
export function shownName(text: string): string {
  const cut = text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}...` : text
  return cut.replace(/[^A-Za-z0-9_.:-]/g, '?')
}
