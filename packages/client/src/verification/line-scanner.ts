const LINE_FEED = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const LOWER_U = 0x75

const FAILED = -1
/** Deeper than FHIR goes; what is deeper still is not refused, only not for this scanner. */
const MAX_DEPTH = 100
const MAX_REFERENCES = 4096

const RESOURCE_TYPE = Buffer.from('resourceType')
const ID = Buffer.from('id')
const REFERENCE = Buffer.from('reference')
const LITERALS: readonly (readonly [Buffer, number])[] = ['true', 'false', 'null'].map((text) => {
  const word = Buffer.from(text)
  return [word, word[0] ?? 0] as const
})

/**
 * Reads lines of JSON without making anything of them: no strings, no objects, no garbage.
 *
 * It accepts a line only when it is sure: the line is a JSON object by RFC 8259 and its
 * `resourceType` is the expected one. Whatever it does not accept may still be right (escapes in
 * names, uncommon depth, a name given twice, a last line without line feed) and is `JSON.parse`'s to
 * judge. So a bug here can cost time, but only what it wrongly accepts could cost data.
 */
export class LineScanner {
  /** Of the last accepted line: where its top-level `id` is, when it has one; otherwise both 0. */
  idStart = 0
  idEnd = 0
  /** Of the last accepted line: starts and ends of the strings named `reference`. */
  readonly references: Int32Array = new Int32Array(MAX_REFERENCES * 2)
  /** Numbers of `references` that are in use. */
  referencesLength = 0
  readonly #bytes: Uint8Array
  readonly #type: Uint8Array
  #typesSeen = 0
  #idsSeen = 0

  constructor(bytes: Uint8Array, type: string) {
    this.#bytes = bytes
    this.#type = Buffer.from(type)
  }

  /**
   * Reads the line that starts at an offset.
   *
   * @returns Where its line feed is; -1 when the line is not accepted.
   */
  accept(start: number): number {
    this.idStart = 0
    this.idEnd = 0
    this.referencesLength = 0
    this.#typesSeen = 0
    this.#idsSeen = 0
    if (this.#bytes[start] !== OPEN_BRACE) return FAILED
    let at = this.#object(start + 1, 1)
    if (at === FAILED) return FAILED
    at = skipBlanks(this.#bytes, at)
    const isWhole = this.#bytes[at] === LINE_FEED && this.#typesSeen === 1
    return isWhole ? at : FAILED
  }

  /** @param at - Behind the brace. @returns Behind the closing one. */
  #object(at: number, depth: number): number {
    const bytes = this.#bytes
    let next = skipBlanks(bytes, at)
    if (bytes[next] === CLOSE_BRACE) return next + 1
    for (;;) {
      if (bytes[next] !== QUOTE) return FAILED
      const nameStart = next + 1
      const nameEnd = plainStringEnd(bytes, nameStart)
      if (nameEnd === FAILED) return FAILED
      next = skipBlanks(bytes, nameEnd + 1)
      if (bytes[next] !== COLON) return FAILED
      const valueStart = skipBlanks(bytes, next + 1)
      next = this.#value(valueStart, depth)
      if (next === FAILED) return FAILED
      const length = nameEnd - nameStart
      if (length === REFERENCE.length && isText(bytes, nameStart, REFERENCE)) {
        if (!this.#noteReference(valueStart, next)) return FAILED
      } else if (depth === 1 && (length === ID.length || length === RESOURCE_TYPE.length)) {
        if (!this.#noteTopLevel(nameStart, valueStart, next)) return FAILED
      }
      next = skipBlanks(bytes, next)
      if (bytes[next] === CLOSE_BRACE) return next + 1
      if (bytes[next] !== COMMA) return FAILED
      next = skipBlanks(bytes, next + 1)
    }
  }

  #array(at: number, depth: number): number {
    const bytes = this.#bytes
    let next = skipBlanks(bytes, at)
    if (bytes[next] === CLOSE_BRACKET) return next + 1
    for (;;) {
      next = this.#value(next, depth)
      if (next === FAILED) return FAILED
      next = skipBlanks(bytes, next)
      if (bytes[next] === CLOSE_BRACKET) return next + 1
      if (bytes[next] !== COMMA) return FAILED
      next = skipBlanks(bytes, next + 1)
    }
  }

  #value(at: number, depth: number): number {
    const first = this.#bytes[at] ?? LINE_FEED
    if (first === QUOTE) return stringEnd(this.#bytes, at + 1)
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (depth === MAX_DEPTH) return FAILED
      return first === OPEN_BRACE ? this.#object(at + 1, depth + 1) : this.#array(at + 1, depth + 1)
    }
    if (first === MINUS || isDigit(first)) return numberEnd(this.#bytes, at)
    return literalEnd(this.#bytes, at, first)
  }

  /** @returns `false` when there are too many. */
  #noteReference(valueStart: number, valueEnd: number): boolean {
    if (this.#bytes[valueStart] !== QUOTE) return true
    if (this.referencesLength === this.references.length) return false
    this.references[this.referencesLength] = valueStart + 1
    this.references[this.referencesLength + 1] = valueEnd - 1
    this.referencesLength += 2
    return true
  }

  /** @returns `false` when it is for `JSON.parse` to say what counts. */
  #noteTopLevel(nameStart: number, valueStart: number, valueEnd: number): boolean {
    const bytes = this.#bytes
    if (isText(bytes, nameStart, ID) && bytes[nameStart + ID.length] === QUOTE) {
      this.#idsSeen += 1
      if (bytes[valueStart] !== QUOTE) return false
      this.idStart = valueStart + 1
      this.idEnd = valueEnd - 1
      return this.#idsSeen === 1
    }
    if (!isText(bytes, nameStart, RESOURCE_TYPE)) return true
    this.#typesSeen += 1
    const length = valueEnd - valueStart - 2
    if (bytes[valueStart] !== QUOTE || length !== this.#type.length) return false
    return isText(bytes, valueStart + 1, this.#type)
  }
}

function skipBlanks(bytes: Uint8Array, at: number): number {
  let next = at
  for (;;) {
    const code = bytes[next]
    if (code !== 0x20 && code !== 0x09 && code !== 0x0d) return next
    next += 1
  }
}

/** End of a string without escapes. @returns Where its closing quotation mark is. */
function plainStringEnd(bytes: Uint8Array, at: number): number {
  for (let next = at; ; next += 1) {
    const code = bytes[next] ?? LINE_FEED
    if (code === QUOTE) return next
    if (code === BACKSLASH || code < 0x20) return FAILED
  }
}

/** @returns Behind the closing quotation mark. */
function stringEnd(bytes: Uint8Array, at: number): number {
  for (let next = at; ; next += 1) {
    const code = bytes[next] ?? LINE_FEED
    if (code === QUOTE) return next + 1
    if (code < 0x20) return FAILED
    if (code !== BACKSLASH) continue
    next += 1
    const escaped = bytes[next] ?? LINE_FEED
    if (escaped === LOWER_U) {
      for (let digit = 1; digit <= 4; digit += 1) {
        if (!isHexDigit(bytes[next + digit] ?? LINE_FEED)) return FAILED
      }
      next += 4
    } else if (!isSimpleEscape(escaped)) return FAILED
  }
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r` or `t`. */
function isSimpleEscape(code: number): boolean {
  if (code === QUOTE || code === BACKSLASH || code === 0x2f) return true
  return code === 0x62 || code === 0x66 || code === 0x6e || code === 0x72 || code === 0x74
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20
  return isDigit(code) || (letter >= 0x61 && letter <= 0x66)
}

function numberEnd(bytes: Uint8Array, at: number): number {
  let next = bytes[at] === MINUS ? at + 1 : at
  if (bytes[next] === ZERO) next += 1
  else next = digitsEnd(bytes, next)
  if (next !== FAILED && bytes[next] === DOT) next = digitsEnd(bytes, next + 1)
  if (next === FAILED || ((bytes[next] ?? 0) | 0x20) !== 0x65) return next
  const sign = bytes[next + 1]
  return digitsEnd(bytes, sign === PLUS || sign === MINUS ? next + 2 : next + 1)
}

/** One digit at least. */
function digitsEnd(bytes: Uint8Array, at: number): number {
  let next = at
  while (isDigit(bytes[next] ?? LINE_FEED)) next += 1
  return next === at ? FAILED : next
}

function literalEnd(bytes: Uint8Array, at: number, first: number): number {
  for (const [word, initial] of LITERALS) {
    if (first === initial) return isText(bytes, at, word) ? at + word.length : FAILED
  }
  return FAILED
}

function isText(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[at + index] !== text[index]) return false
  }
  return true
}
