const LINE_FEED = 0x0a

/** One line of a file; `bytes` is `undefined` where it is too long to be taken. */
export interface ImportLine {
  /** 1-based. */
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

/**
 * Cuts chunks into lines. A line that is too long is passed over without being kept in memory, and
 * the lines after it are read as usual.
 */
export class LineSplitter {
  readonly #maxLineBytes: number
  #pieces: Uint8Array[] = []
  #pendingBytes = 0
  #number = 0

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** The lines that end in this chunk; their bytes are good until the chunk is. */
  *push(chunk: Uint8Array): Iterable<ImportLine> {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#append(chunk.subarray(start, end))
      yield this.#take()
      start = end + 1
    }
    this.#append(chunk.subarray(start))
  }

  /** The last line, where it lacks its line feed. */
  *end(): Iterable<ImportLine> {
    if (this.#pendingBytes > 0) yield this.#take()
  }

  #append(piece: Uint8Array): void {
    this.#pendingBytes += piece.length
    if (this.#pendingBytes > this.#maxLineBytes) this.#pieces = []
    else this.#pieces.push(piece)
  }

  #take(): ImportLine {
    this.#number += 1
    const isTooLong = this.#pendingBytes > this.#maxLineBytes
    const [only, ...others] = this.#pieces
    const bytes = others.length === 0 ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#pendingBytes = 0
    return { number: this.#number, bytes: isTooLong ? undefined : bytes }
  }
}
