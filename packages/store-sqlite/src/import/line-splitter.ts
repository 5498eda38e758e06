const LINE_FEED = 0x0a
/** A line whose reader may want it in pieces is looked at when it has become this long, in bytes. */
const LARGE_BYTES = 1024 * 1024

/** One line of a file. */
export interface ImportLine {
  /** 1-based. */
  readonly number: number
  /** `undefined` where it is too long to be taken, or was taken piece by piece. */
  readonly bytes: Uint8Array | undefined
  /** Who took it piece by piece. */
  readonly taker?: LineTaker
}

/** Takes a line as it comes, so that it is never in memory as a whole. */
export interface LineTaker {
  /** Takes bytes, which are good for as long as the call lasts. */
  push(bytes: Uint8Array): void
  /** The line has ended. */
  end(): void
}

/** How lines are cut. */
export interface LineSplitterOptions {
  readonly maxLineBytes: number
  /** Asked about lines that become large: whether to take them piece by piece. */
  readonly takeLarge: (number: number, beginning: Uint8Array) => LineTaker | undefined
}

/**
 * Cuts chunks into lines. A line that is too long is passed over without being kept in memory, and
 * the lines after it are read as usual.
 */
export class LineSplitter {
  readonly #options: LineSplitterOptions
  #pieces: Uint8Array[] = []
  #pendingBytes = 0
  #number = 0
  #isAsked = false
  #taker: LineTaker | undefined

  constructor(options: LineSplitterOptions) {
    this.#options = options
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
    if (this.#taker !== undefined) {
      this.#taker.push(piece)
      return
    }
    const { maxLineBytes } = this.#options
    if (this.#isAsked && this.#pendingBytes > maxLineBytes) this.#pieces = []
    else this.#pieces.push(piece)
    const isLarge = this.#pendingBytes > Math.min(LARGE_BYTES, maxLineBytes)
    if (!this.#isAsked && isLarge) this.#offer()
  }

  #offer(): void {
    this.#isAsked = true
    const [beginning] = this.#pieces
    if (beginning === undefined) return
    this.#taker = this.#options.takeLarge(this.#number + 1, beginning)
    if (this.#taker === undefined) {
      if (this.#pendingBytes > this.#options.maxLineBytes) this.#pieces = []
      return
    }
    for (const piece of this.#pieces) this.#taker.push(piece)
    this.#pieces = []
  }

  #take(): ImportLine {
    this.#number += 1
    const number = this.#number
    const taker = this.#taker
    const isTooLong = this.#pendingBytes > this.#options.maxLineBytes
    const [only, ...others] = this.#pieces
    const bytes = others.length === 0 ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#pendingBytes = 0
    this.#isAsked = false
    this.#taker = undefined
    if (taker === undefined) return { number, bytes: isTooLong ? undefined : bytes }
    taker.end()
    return { number, bytes: undefined, taker }
  }
}
