import { NdjsonInvalidError } from './errors.ts'

const LINE_FEED = 0x0a
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024
const FIRST_PENDING_BYTES = 16 * 1024

/** One line of a file as bytes, without its line feed. */
export interface RawLine {
  /** May share memory with the chunk that it came in; a carriage return at the end stays. */
  readonly bytes: Buffer
  /** 1-based; blank lines count. */
  readonly lineNumber: number
  /** Bytes from the start of the input to the start of this line. */
  readonly byteOffset: number
}

/** Limits for reading lines. */
export interface SplitLinesOptions {
  /**
   * Longest line accepted, in bytes, without its line feed.
   *
   * @defaultValue 16 MiB
   */
  readonly maxLineBytes?: number
}

/**
 * Cuts a file into its lines as it arrives, blank ones included. The last one may lack its line feed.
 *
 * A line that lies within one chunk is not copied. Memory follows the longest line, however small
 * the chunks; the next chunk is pulled only when all lines of the last one were taken.
 *
 * @param chunks - The file's bytes, decompressed, split anywhere.
 * @throws {@link NdjsonInvalidError} at the first line that is too long, before it is held in full.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  { maxLineBytes = DEFAULT_MAX_LINE_BYTES }: SplitLinesOptions = {},
): AsyncGenerator<RawLine, void, void> {
  const pending = new PendingBytes()
  let lineNumber = 1
  let byteOffset = 0

  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      const length = pending.length + end - start
      if (length > maxLineBytes) throw new NdjsonInvalidError('too-long', lineNumber, byteOffset)
      yield { bytes: pending.takeWith(bytes.subarray(start, end)), lineNumber, byteOffset }
      lineNumber += 1
      byteOffset += length + 1
      start = end + 1
    }
    if (pending.length + bytes.length - start > maxLineBytes) {
      throw new NdjsonInvalidError('too-long', lineNumber, byteOffset)
    }
    pending.append(bytes.subarray(start))
  }
  if (pending.length > 0) {
    yield { bytes: pending.takeWith(Buffer.alloc(0)), lineNumber, byteOffset }
  }
}

/**
 * The beginning of a line whose end has not arrived. A list of pieces would not do: its memory
 * follows the number of pieces, which is the sender's to choose.
 */
class PendingBytes {
  #buffer = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(piece: Buffer): void {
    if (piece.length === 0) return
    const length = this.#length + piece.length
    if (length > this.#buffer.length) this.#grow(length)
    piece.copy(this.#buffer, this.#length)
    this.#length = length
  }

  /** The pending bytes with `piece` after them; nothing is pending afterwards. */
  takeWith(piece: Buffer): Buffer {
    if (this.#length === 0) return piece
    this.append(piece)
    const line = this.#buffer.subarray(0, this.#length)
    // The line belongs to the caller now, so its memory is not written to again.
    this.#buffer = Buffer.alloc(0)
    this.#length = 0
    return line
  }

  #grow(atLeast: number): void {
    const capacity = Math.max(FIRST_PENDING_BYTES, atLeast, this.#buffer.length * 2)
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
