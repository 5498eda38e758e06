/** Text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as a quoted SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * An absolute path as an SQL literal for DuckDB's readers, which take every path for a pattern: what
 * would match other files stands in brackets, where it means itself.
 *
 * @throws TypeError when the path holds a backslash beside such characters: no pattern means that.
 */
export function sqlPath(path: string): string {
  if (!/[*?[]/.test(path)) return sqlText(path)
  if (path.includes('\\')) {
    throw new TypeError('A path with a backslash cannot hold "*", "?" or "[" as well')
  }
  return sqlText(path.replaceAll(/[*?[]/g, '[$&]'))
}
