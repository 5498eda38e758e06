/** Text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as a quoted SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * The absolute path of a file that is there, as an SQL literal for DuckDB's readers, which take every
 * path for a pattern: what would match other files stands in brackets, where it means itself.
 *
 * No pattern means a backslash, so that a path with one stays as it is: DuckDB takes what is the name of
 * a file for that file.
 */
export function sqlPath(path: string): string {
  if (!/[*?[]/.test(path) || path.includes('\\')) return sqlText(path)
  return sqlText(path.replaceAll(/[*?[]/g, '[$&]'))
}
