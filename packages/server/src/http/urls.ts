import type { OutputFileKey } from '../output-file-store.ts'
import type { HttpContext } from './route.ts'

/** Path of status URLs, in the router's notation. */
export const STATUS_PATH = '/fhir/bulk-status/:jobId'

/** Path of output files, in the router's notation. */
export const OUTPUT_FILE_PATH = '/fhir/bulk-files/:jobId/:fileId'

/** The absolute status URL of a job. */
export function statusUrl(
  { fhirBaseUrl }: Pick<HttpContext, 'fhirBaseUrl'>,
  jobId: string,
): string {
  return `${fhirBaseUrl()}/bulk-status/${jobId}`
}

/** The absolute URL of an output file. */
export function outputFileUrl(
  { fhirBaseUrl }: Pick<HttpContext, 'fhirBaseUrl'>,
  { jobId, fileId }: OutputFileKey,
): string {
  return `${fhirBaseUrl()}/bulk-files/${jobId}/${fileId}`
}

/** The absolute URL of the token endpoint, which is also what assertions have to name as `aud`. */
export function tokenUrl({ fhirBaseUrl }: Pick<HttpContext, 'fhirBaseUrl'>): string {
  return `${fhirBaseUrl()}/auth/token`
}

/** Whether this can be the id of a job or a file: 128 bits in lower-case hexadecimal. */
export function isRandomId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}
