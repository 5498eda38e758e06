/** One element of a comma-separated header: `name`, `name=value` and `; name=value` after it. */
export interface HeaderItem {
  /** Lower case. */
  readonly name: string
  /** Unquoted; `undefined` where there was no `=`. */
  readonly value: string | undefined
  /** Names in lower case, values unquoted; the first of two with the same name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * Splits a header whose value is a list, such as `Accept` or `Prefer`.
 *
 * Commas and semicolons inside quoted strings separate nothing. Empty elements are skipped, as
 * RFC 9110 section 5.6.1 asks of a recipient.
 */
export function parseHeaderList(header: string): readonly HeaderItem[] {
  return splitOutsideQuotes(header, ',').flatMap((element) => {
    const [first = '', ...rest] = splitOutsideQuotes(element, ';')
    const { name, value } = parsePair(first)
    return name === '' ? [] : [{ name, value, parameters: parseParameters(rest) }]
  })
}

/**
 * The weight of an element (RFC 9110 section 12.4.2), from 0 (not acceptable) to 1.
 *
 * A weight that cannot be read counts as 0: sending less than what was asked for is safer than
 * sending what may not be understood.
 */
export function weightOf(item: HeaderItem): number {
  const text = item.parameters.get('q')
  if (text === undefined) return 1
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}

function parseParameters(texts: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const text of texts) {
    const { name, value = '' } = parsePair(text)
    if (name !== '' && !parameters.has(name)) parameters.set(name, value)
  }
  return parameters
}

function parsePair(text: string): { readonly name: string; readonly value: string | undefined } {
  const equals = text.indexOf('=')
  if (equals === -1) return { name: text.trim().toLowerCase(), value: undefined }
  return {
    name: text.slice(0, equals).trim().toLowerCase(),
    value: unquote(text.slice(equals + 1).trim()),
  }
}

function unquote(text: string): string {
  const isQuoted = text.length >= 2 && text.startsWith('"') && text.endsWith('"')
  return isQuoted ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
}

function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts: string[] = []
  let isQuoted = false
  let start = 0
  for (let position = 0; position < text.length; position += 1) {
    const character = text[position]
    if (character === '"') isQuoted = !isQuoted
    else if (character === '\\' && isQuoted) position += 1
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, position))
      start = position + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}
