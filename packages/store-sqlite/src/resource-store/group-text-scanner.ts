import { ResourceInvalidError } from '@flatfhir/protocol'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20
const ROSTER_DEPTH = 2
const DEFAULT_PIECE_BYTES = 16 * 1024

/** What {@link GroupTextScanner} finds. */
export interface GroupTextOptions {
  /** Told the text of some elements of `member`, with the commas between them. */
  readonly onPiece: (text: Uint8Array) => void
  /**
   * A piece ends with the first element that makes it this long, in bytes.
   *
   * @defaultValue 16 KiB
   */
  readonly pieceBytes?: number
}

/** A Group's text without the elements of `member`, and where they belong. */
export interface GroupShell {
  readonly bytes: Uint8Array
  /** Offset after the opening bracket of `member`; `undefined` where the text has no such array. */
  readonly memberAt: number | undefined
  readonly pieces: number
}

/**
 * Takes the text of a Group apart as it arrives: the elements of `member` in small pieces, everything
 * else as the shell. The pieces with single commas between them are what stood in the array, byte for
 * byte. Only the structure is looked at: whoever takes shell and pieces parses each, and only texts
 * that are JSON by themselves make a text that is.
 */
export class GroupTextScanner {
  readonly #onPiece: (text: Uint8Array) => void
  readonly #pieceBytes: number
  #shell: Uint8Array[] = []
  #shellBytes = 0
  #piece: Uint8Array[] = []
  #pieceLength = 0
  #pieces = 0
  #depth = 0
  #inString = false
  #isEscaped = false
  #inRoster = false
  #memberAt: number | undefined
  /** Bytes of the key that is being read at the outermost level. */
  #key: number[] | undefined
  #lastKey = ''
  #expectsKey = false

  constructor({ onPiece, pieceBytes = DEFAULT_PIECE_BYTES }: GroupTextOptions) {
    this.#onPiece = onPiece
    this.#pieceBytes = pieceBytes
  }

  /** Takes the next bytes; they may be cut anywhere, and are copied. */
  push(bytes: Uint8Array): void {
    let start = 0
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0
      if (this.#inString) {
        this.#readInString(byte)
      } else if (byte === QUOTE) {
        this.#beginString()
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#depth += 1
        if (byte === OPEN_BRACE) this.#expectsKey = this.#depth === 1
        if (byte === OPEN_BRACKET && this.#depth === ROSTER_DEPTH && this.#lastKey === 'member') {
          this.#keep(bytes.subarray(start, at + 1))
          this.#beginRoster()
          start = at + 1
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (this.#inRoster && this.#depth === ROSTER_DEPTH) {
          this.#keep(bytes.subarray(start, at))
          this.#endRoster()
          start = at
        }
        this.#depth -= 1
      } else if (byte === COMMA) {
        this.#expectsKey = this.#depth === 1
        const length = this.#pieceLength + at - start
        if (this.#inRoster && this.#depth === ROSTER_DEPTH && length >= this.#pieceBytes) {
          this.#keep(bytes.subarray(start, at))
          this.#endPiece()
          start = at + 1
        }
      }
    }
    this.#keep(bytes.subarray(start))
  }

  /**
   * The rest of the text, once all of it was pushed.
   *
   * @throws `ResourceInvalidError` when it ends in the middle of `member`.
   */
  end(): GroupShell {
    if (this.#inRoster) throw notJson()
    const bytes = Buffer.concat(this.#shell, this.#shellBytes)
    return { bytes, memberAt: this.#memberAt, pieces: this.#pieces }
  }

  #readInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) {
      this.#inString = false
      if (this.#key !== undefined) this.#lastKey = String.fromCharCode(...this.#key)
      this.#key = undefined
      return
    }
    // No key of a Group is longer; what is longer is not "member".
    if (this.#key !== undefined && this.#key.length < 64) this.#key.push(byte)
  }

  #beginString(): void {
    this.#inString = true
    if (!this.#expectsKey) return
    this.#expectsKey = false
    this.#key = []
  }

  #beginRoster(): void {
    // Readers differ in which of two they take.
    if (this.#memberAt !== undefined) {
      throw new ResourceInvalidError('duplicate-element', 'Group.member is there twice')
    }
    this.#inRoster = true
    this.#memberAt = this.#shellBytes
  }

  #endRoster(): void {
    const isEmpty = this.#pieces === 0 && this.#piece.every(isBlank)
    if (isEmpty) this.#dropPiece()
    else this.#endPiece()
    this.#inRoster = false
    this.#lastKey = ''
  }

  #endPiece(): void {
    const text = Buffer.concat(this.#piece, this.#pieceLength)
    this.#dropPiece()
    this.#pieces += 1
    this.#onPiece(text)
  }

  #dropPiece(): void {
    this.#piece = []
    this.#pieceLength = 0
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    // The caller's buffer is used again.
    const copy = Buffer.from(bytes)
    if (this.#inRoster) {
      this.#piece.push(copy)
      this.#pieceLength += copy.length
    } else {
      this.#shell.push(copy)
      this.#shellBytes += copy.length
    }
  }
}

/** The text with pieces put back to where they belong. */
export function joinGroupText(
  { bytes, memberAt }: Pick<GroupShell, 'bytes' | 'memberAt'>,
  pieces: readonly Uint8Array[],
): Uint8Array {
  const at = memberAt ?? 0
  const parts: Uint8Array[] = [bytes.subarray(0, at)]
  pieces.forEach((piece, index) => {
    if (index > 0) parts.push(COMMA_BYTES)
    parts.push(piece)
  })
  parts.push(bytes.subarray(at))
  return Buffer.concat(parts)
}

const COMMA_BYTES = Uint8Array.of(COMMA)

/** The texts of the elements of a piece, one by one. */
export function elementsOfPiece(piece: Uint8Array): readonly Uint8Array[] {
  const elements: Uint8Array[] = []
  const scanner = new GroupTextScanner({
    onPiece: (text) => elements.push(text),
    pieceBytes: 0,
  })
  scanner.push(Buffer.from('{"member":['))
  scanner.push(piece)
  scanner.push(Buffer.from(']}'))
  scanner.end()
  return elements
}

/** Where the elements of `member` belong in a shell that was stamped since. */
export function memberPlace(shell: Uint8Array): number | undefined {
  const scanner = new GroupTextScanner({ onPiece: () => undefined })
  scanner.push(shell)
  return scanner.end().memberAt
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= SPACE)
}

function notJson(): ResourceInvalidError {
  return new ResourceInvalidError('not-json', 'the text is not valid JSON')
}
