/** A strong entity tag (RFC 9110 section 8.8.3) of a representation with this digest. */
export function strongEntityTag(sha256: string): string {
  return `"${sha256}"`
}

/** The entity tag of a version of a resource: weak, as FHIR has it. */
export function versionEntityTag(versionId: string): string {
  return `W/"${versionId}"`
}

/**
 * Whether `If-None-Match` names the representation, by weak comparison (RFC 9110 section 13.1.2).
 */
export function ifNoneMatchNames(header: string, entityTag: string): boolean {
  return namesTag(header, entityTag, opaqueTag)
}

/** Whether `If-Match` names the representation, by strong comparison (RFC 9110 section 13.1.1). */
export function ifMatchNames(header: string, entityTag: string): boolean {
  return namesTag(header, entityTag, (tag) => tag)
}

/**
 * Whether `If-Range` lets a range be served (RFC 9110 section 13.1.5): only the very same strong tag
 * does; dates do not, because files are sent without a modification date.
 */
export function ifRangeAdmits(header: string, entityTag: string): boolean {
  return header.trim() === entityTag
}

/**
 * The version that FHIR's `If-Match` asks for.
 *
 * @returns `undefined` where the header is anything but one entity tag of a version.
 * @see {@link https://hl7.org/fhir/R4/http.html#concurrency | FHIR R4: Managing Resource Contention}
 */
export function versionOfIfMatch(header: string): string | undefined {
  return /^\s*(?:W\/)?"([A-Za-z0-9.-]{1,64})"\s*$/.exec(header)?.[1]
}

function namesTag(header: string, entityTag: string, compared: (tag: string) => string): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => compared(tag) === compared(entityTag))
}

function opaqueTag(entityTag: string): string {
  return entityTag.replace(/^W\//, '')
}
