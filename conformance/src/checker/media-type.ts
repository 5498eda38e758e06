/** The media type of a Content-Type header, in lower case and without parameters. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** Whether a Content-Type stands for a FHIR resource in JSON. */
export function isFhirJson(contentType: string | undefined): boolean {
  return mediaTypeOf(contentType) === 'application/fhir+json'
}

/** Whether a Content-Type stands for JSON of any kind. */
export function isJson(contentType: string | undefined): boolean {
  return /^application\/(?:[\w.-]+\+)?json$/.test(mediaTypeOf(contentType))
}
