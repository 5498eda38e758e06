const MAX_SHOWN = 100
// Control characters, and those that change the direction or place of others.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu

/** A server's text, fit for one line: nothing in it can move a cursor, and it is short. */
export function printable(text: string, maxLength: number = MAX_SHOWN): string {
  const line = text.replace(UNPRINTABLE, ' ').trim()
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line
}

/** A header for a report: its name and value, or that it is missing. */
export function shownHeader(
  headers: Readonly<Record<string, string | undefined>>,
  name: string,
): string {
  const value = headers[name]
  return value === undefined ? `no ${name}` : `${name}: ${printable(value)}`
}
