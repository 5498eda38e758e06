const MAX_LENGTH = 200

/** Text from the provider that is safe to print and to log: no control characters, not long. */
export function printable(text: string): string {
  return text
    .replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, MAX_LENGTH)
}

/** A URL without query and fragment: in pre-signed URLs they are credentials. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
