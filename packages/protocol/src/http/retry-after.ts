import { parseHttpDate } from './http-date.ts'

/**
 * Reads a `Retry-After` header: seconds, or an HTTP date.
 *
 * @param now - What a date is counted from.
 * @returns Whole seconds, 0 or more and never infinite or NaN (a server may still ask for a
 *   century: the caller caps it); `undefined` when the header is missing or neither form.
 * @see RFC 9110 section 10.2.3
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
  const date = parseHttpDate(text, now)
  if (date === undefined) return undefined
  return Math.max(0, Math.ceil((date.getTime() - now.getTime()) / 1000))
}
