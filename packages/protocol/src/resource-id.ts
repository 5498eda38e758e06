const RESOURCE_ID = /^[A-Za-z0-9\-.]{1,64}$/

/**
 * Whether a text is a FHIR id: 1 to 64 letters, digits, `-` and `.`.
 *
 * `.` and `..` are ids too, so an id is not yet safe as a file name.
 *
 * @see {@link https://hl7.org/fhir/R4/datatypes.html#id | FHIR R4: id}
 */
export function isResourceId(text: string): boolean {
  return RESOURCE_ID.test(text)
}
