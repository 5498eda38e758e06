import { ResourceInvalidError } from './errors.ts'

/** Where one member of a JSON object is: offsets in bytes, `end` exclusive. */
export interface MemberSpan {
  readonly key: string
  /** Start of the key's opening quote. */
  readonly start: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** FHIR nests a dozen levels; a text nested deeper than this wants to exhaust its reader. */
const MAX_DEPTH = 200

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

/**
 * The members of a JSON object, in their order.
 *
 * @param bytes - UTF-8 that `JSON.parse` accepted: nothing is checked again. Every byte that matters
 *   to JSON's structure is ASCII, so bytes can be scanned without decoding them.
 * @param start - Offset of the object's opening brace.
 * @param most - Members after so many are not looked for.
 */
export function memberSpans(bytes: Uint8Array, start: number, most?: number): MemberSpan[] {
  const members: MemberSpan[] = []
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = skipBlanks(bytes, start + 1)
  while (bytes[at] === QUOTE && members.length !== most) {
    const keyEnd = skipString(bytes, at)
    const valueStart = skipBlanks(bytes, skipBlanks(bytes, keyEnd) + 1)
    const valueEnd = skipValue(bytes, valueStart)
    members.push({ key: keyOf(buffer, at, keyEnd), start: at, valueStart, valueEnd })
    at = skipBlanks(bytes, valueEnd)
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1)
  }
  return members
}

/** Offsets of the elements of a JSON array; `start` is that of its opening bracket. */
export function elementSpans(bytes: Uint8Array, start: number): { start: number; end: number }[] {
  const elements: { start: number; end: number }[] = []
  let at = skipBlanks(bytes, start + 1)
  while (at < bytes.length && bytes[at] !== CLOSE_BRACKET) {
    const end = skipValue(bytes, at)
    elements.push({ start: at, end })
    at = skipBlanks(bytes, end)
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1)
  }
  return elements
}

/** Is given the key that a string value stands under, and where the value is. */
export type StringVisitor = (key: string | undefined, start: number, end: number) => void

/**
 * Calls `visit` for every string value of the JSON value at `start`.
 *
 * @throws `ResourceInvalidError` when the text is nested absurdly: each level costs a pass over what
 *   is in it, and room on the stack.
 */
export function visitStringValues(bytes: Uint8Array, start: number, visit: StringVisitor): void {
  visitLevel(bytes, { start, depth: 0 }, visit)
}

function visitLevel(
  bytes: Uint8Array,
  { start, depth }: { readonly start: number; readonly depth: number },
  visit: StringVisitor,
): void {
  if (depth > MAX_DEPTH) {
    throw new ResourceInvalidError('too-deep', `the text is nested more than ${MAX_DEPTH} levels`)
  }
  const byte = bytes[start]
  if (byte === OPEN_BRACE) {
    for (const { key, valueStart, valueEnd } of memberSpans(bytes, start)) {
      if (bytes[valueStart] === QUOTE) visit(key, valueStart, valueEnd)
      else visitLevel(bytes, { start: valueStart, depth: depth + 1 }, visit)
    }
  } else if (byte === OPEN_BRACKET) {
    for (const element of elementSpans(bytes, start)) {
      if (bytes[element.start] === QUOTE) visit(undefined, element.start, element.end)
      else visitLevel(bytes, { start: element.start, depth: depth + 1 }, visit)
    }
  }
}

/** Offset of the first byte at or after `at` that is not white space. */
export function skipBlanks(bytes: Uint8Array, at: number): number {
  let next = at
  while (next < bytes.length && (bytes[next] ?? SPACE) <= SPACE) next += 1
  return next
}

function keyOf(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('utf8', start + 1, end - 1)
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
}

function skipValue(bytes: Uint8Array, start: number): number {
  const byte = bytes[start]
  if (byte === QUOTE) return skipString(bytes, start)
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return skipContainer(bytes, start)
  let at = start
  while (at < bytes.length && !endsScalar(bytes[at])) at += 1
  return at
}

function skipContainer(bytes: Uint8Array, start: number): number {
  let depth = 0
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = skipString(bytes, at)
      continue
    }
    at += 1
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return at
}

function skipString(bytes: Uint8Array, start: number): number {
  let quote = bytes.indexOf(QUOTE, start + 1)
  while (quote !== -1 && isEscaped(bytes, quote)) quote = bytes.indexOf(QUOTE, quote + 1)
  return quote === -1 ? bytes.length : quote + 1
}

function isEscaped(bytes: Uint8Array, quote: number): boolean {
  let at = quote
  while (bytes[at - 1] === BACKSLASH) at -= 1
  return (quote - at) % 2 === 1
}

function endsScalar(byte: number | undefined): boolean {
  return (
    byte === undefined ||
    byte <= SPACE ||
    byte === COMMA ||
    byte === COLON ||
    byte === CLOSE_BRACE ||
    byte === CLOSE_BRACKET
  )
}
