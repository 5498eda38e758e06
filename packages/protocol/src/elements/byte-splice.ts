/**
 * Text put together from pieces of another text and from pieces of its own, in order.
 *
 * Neighbouring pieces are copied in one go, and nothing is copied before the end.
 */
export class ByteSplice {
  readonly #source: Buffer
  readonly #pieces: Uint8Array[] = []
  #length = 0

  constructor(source: Buffer) {
    this.#source = source
  }

  /** Adds the bytes of the source from `start` up to but not including `end`. */
  copy(start: number, end: number): void {
    if (end > start) this.insert(this.#source.subarray(start, end))
  }

  insert(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece)
      this.#length += piece.length
    }
  }

  /** All pieces, one after the other. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#pieces, this.#length)
  }
}
