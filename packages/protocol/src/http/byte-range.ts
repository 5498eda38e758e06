const RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/** A part of a file; both ends are byte offsets from 0 and belong to the part. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Reads a `Range` header for a representation of `size` bytes.
 *
 * @returns The part to send with 206; `'unsatisfiable'` for an answer of 416; `'ignore'` for an
 *   answer of 200 with everything, as RFC 9110 section 14.2 allows: no header, a unit other than
 *   bytes, a header that cannot be read, and lists of ranges (their multipart answers are seldom
 *   understood, and lists of many small ones are an attack).
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | 'ignore' {
  const match = RANGE.exec(header ?? '')
  if (match === null) return 'ignore'
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return 'ignore'
  if (first === '') return suffix(Number(last), size)
  const start = Number(first)
  const end = last === '' ? Infinity : Number(last)
  if (end < start) return 'ignore'
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(end, size - 1) }
}

function suffix(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable'
  return { start: Math.max(0, size - length), end: size - 1 }
}
