/** What an id may hold: more than FHIR allows, as some sources number their resources their own way. */
const ID = '([^/?#|]+)(?:/_history/[^/]*)?$'
const URN = 'urn:(?:uuid|oid):'

/**
 * SQL of the bare id in a reference: of `Type/id`, of an absolute URL that ends so, with or without
 * a version, and of `urn:uuid:` and `urn:oid:`. NULL for a contained resource (`#id`), a conditional
 * reference and what is no reference.
 *
 * @param text - SQL of the text of `Reference.reference`.
 * @param target - The only type that counts; without it any.
 */
export function referenceIdSql(text: string, target?: string): string {
  const type = target ?? '[A-Z][A-Za-z]*'
  return `nullif(regexp_extract(${text}, '^(?:${URN}|(?:[^?#]*/)?${type}/)${ID}', 1), '')`
}

/** SQL of the type in a reference: NULL where the reference does not say it. */
export function referenceTypeSql(text: string): string {
  return `nullif(regexp_extract(${text}, '^(?:[^?#]*/)?([A-Z][A-Za-z]*)/[^/?#|]+(?:/_history/[^/]*)?$', 1), '')`
}
