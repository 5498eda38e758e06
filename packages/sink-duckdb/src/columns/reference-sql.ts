/** What an id may hold: more than FHIR allows, as some sources number their resources their own way. */
const ID = '([^/?#|]+)'
const VERSION = '(?:/_history/[^/]*)?$'
const ANY_TYPE = '[A-Z][A-Za-z]*'

/**
 * SQL of the bare id in a reference: of `Type/id`, of an absolute URL that ends so, with or without
 * a version, and of `urn:uuid:` and `urn:oid:`. NULL for a contained resource (`#id`), a conditional
 * reference and what is no reference.
 *
 * Nearly all references are `Type/id`, and cutting is ten times as fast as matching.
 *
 * @param text - Name of the column with the text of `Reference.reference`.
 * @param target - The only type that counts; without it any.
 */
export function referenceIdSql(text: string, target?: string): string {
  const simple = target === undefined ? isRelative(text) : `starts_with(${text}, '${target}/')`
  const pattern = `^(?:urn:(?:uuid|oid):|(?:[^?#]*/)?${target ?? ANY_TYPE}/)${ID}${VERSION}`
  return cutOrMatch({ text, simple, part: 2, pattern })
}

/**
 * SQL of the type in a reference: NULL where the reference does not say it.
 *
 * @param text - Name of the column with the text of `Reference.reference`.
 */
export function referenceTypeSql(text: string): string {
  const pattern = `^(?:[^?#]*/)?(${ANY_TYPE})/[^/?#|]+${VERSION}`
  return cutOrMatch({ text, simple: isRelative(text), part: 1, pattern })
}

interface Cut {
  readonly text: string
  readonly simple: string
  readonly part: 1 | 2
  readonly pattern: string
}

function cutOrMatch({ text, simple, part, pattern }: Cut): string {
  const cut = `split_part(${text}, '/', ${part})`
  const match = `regexp_extract(${text}, '${pattern}', 1)`
  return `nullif(CASE WHEN ${text} IS NULL THEN NULL WHEN ${simple} THEN ${cut} ELSE ${match} END, '')`
}

/** `Type/id`: begins with a capital letter, has a slash, and nothing of a URL or a query. */
function isRelative(text: string): string {
  const without = [':', '?', '#'].map((mark) => `strpos(${text}, '${mark}') = 0`)
  return `(ascii(${text}) BETWEEN 65 AND 90 AND strpos(${text}, '/') > 0 AND ${without.join(' AND ')})`
}
