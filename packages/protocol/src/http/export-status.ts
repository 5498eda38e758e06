/** Tells the state of the export where `separate-export-status` was asked for. */
export const EXPORT_STATUS_HEADER = 'X-Export-Status'

const PHRASES: ReadonlyMap<number, string> = new Map([
  [200, 'OK'],
  [202, 'Accepted'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [410, 'Gone'],
  [422, 'Unprocessable Content'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
])
const VALUE = /^\s*([1-5][0-9]{2})(?:\s.*)?$/s

/**
 * Writes the value of `X-Export-Status`: a status code, and its phrase where it has a common one.
 *
 * @param status - What the HTTP status would be without `separate-export-status`: 202 while the export
 *   is in progress, 200 when it is complete, 4XX or 5XX when it has failed.
 * @throws RangeError when it is none of these.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU3/export.html#headers | Bulk Data: Headers}
 */
export function encodeExportStatus(status: number): string {
  const isError = status >= 400 && status <= 599
  if (!Number.isInteger(status) || !(status === 200 || status === 202 || isError)) {
    throw new RangeError(`${status} is no status of an export`)
  }
  const phrase = PHRASES.get(status)
  return phrase === undefined ? String(status) : `${status} ${phrase}`
}

/**
 * Reads the value of `X-Export-Status`: the code alone, or with any words behind it.
 *
 * @returns `undefined` when the header is absent or does not begin with a status code.
 */
export function parseExportStatus(header: string | undefined): number | undefined {
  const code = VALUE.exec(header ?? '')?.[1]
  return code === undefined ? undefined : Number(code)
}
