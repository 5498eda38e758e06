/**
 * Splits a search value at every separator that no backslash stands before. The parts keep their
 * escapes, for they may be split again.
 *
 * @see {@link https://hl7.org/fhir/R4/search.html#escaping | FHIR R4: Escaping search parameters}
 */
export function splitEscaped(text: string, separator: ',' | '$' | '|'): readonly string[] {
  const parts: string[] = []
  let start = 0
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '\\') {
      index += 1
    } else if (text[index] === separator) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** Takes the backslashes away from escaped `,`, `$`, `|` and `\`; any other backslash stays. */
export function unescapeValue(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,$|\\])/g, '$1') : text
}
