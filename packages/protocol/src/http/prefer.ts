import { parseHeaderList } from './header-list.ts'

/** What the `Prefer` header of a request asks for, as far as it matters here. */
export interface Preferences {
  readonly respondAsync: boolean
  /** What to do with parameters that are not supported: refuse the request, or ignore them. */
  readonly handling?: 'strict' | 'lenient'
  /** Tell the job's state in `X-Export-Status`, apart from the HTTP status of the answer. */
  readonly separateExportStatus: boolean
  /** What the answer to a write should hold. */
  readonly return?: 'minimal' | 'representation' | 'OperationOutcome'
}

const HANDLING = ['strict', 'lenient'] as const
const RETURN = ['minimal', 'representation', 'OperationOutcome'] as const

/**
 * Reads a `Prefer` header; unknown preferences and values are ignored, and the first of two with
 * the same name counts, as RFC 7240 section 2 asks.
 *
 * @param header - All `Prefer` headers of the request, joined with commas.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#headers | Bulk Data: Headers}
 */
export function parsePrefer(header: string | undefined): Preferences {
  const values = new Map<string, string>()
  for (const { name, value = '' } of parseHeaderList(header ?? '')) {
    if (!values.has(name)) values.set(name, value)
  }
  const handling = oneOf(HANDLING, values.get('handling'))
  const returned = oneOf(RETURN, values.get('return'))
  return {
    respondAsync: values.has('respond-async'),
    separateExportStatus: values.has('separate-export-status'),
    ...(handling !== undefined && { handling }),
    ...(returned !== undefined && { return: returned }),
  }
}

/** Tells which preferences of the request were honoured. */
export const PREFERENCE_APPLIED_HEADER = 'Preference-Applied'

/** The preferences of a kick-off request that a provider honours besides `respond-async`. */
export interface AppliedPreferences {
  readonly separateExportStatus: boolean
  /** Absent where the request did not ask for a handling. */
  readonly handling?: 'strict' | 'lenient'
}

/**
 * Writes the value of `Preference-Applied` for the answer to a kick-off request. The header is
 * required (SHALL), with `respond-async` in it, where `separate-export-status` was asked for.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU3/export.html#headers | Bulk Data: Headers}
 * @see {@link https://www.rfc-editor.org/rfc/rfc7240#section-3 | RFC 7240: Preference-Applied}
 */
export function encodePreferenceApplied({
  separateExportStatus,
  handling,
}: AppliedPreferences): string {
  return [
    'respond-async',
    ...(separateExportStatus ? ['separate-export-status'] : []),
    ...(handling === undefined ? [] : [`handling=${handling}`]),
  ].join(', ')
}

function oneOf<T extends string>(choices: readonly T[], text = ''): T | undefined {
  return choices.find((choice) => choice.toLowerCase() === text.toLowerCase())
}
