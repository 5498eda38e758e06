const COMMA = 0x2c

/** A result smaller than this part of its memory is copied, so that it does not keep the rest. */
const WORTH_KEEPING = 0.5

/** Text put together from pieces of another text and from pieces of its own, in order. */
export class ByteSplice {
  readonly #source: Buffer
  readonly #target: Buffer
  #length = 0

  /** @param maxBytes - More than this cannot be put in. */
  constructor(source: Buffer, maxBytes: number) {
    this.#source = source
    this.#target = Buffer.allocUnsafe(maxBytes)
  }

  /** Adds the bytes of the source from `start` up to but not including `end`. */
  copy(start: number, end: number): void {
    this.#length += this.#source.copy(this.#target, this.#length, start, end)
  }

  insert(piece: Uint8Array): void {
    this.#target.set(piece, this.#length)
    this.#length += piece.length
  }

  comma(): void {
    this.#target[this.#length] = COMMA
    this.#length += 1
  }

  /** All pieces, one after the other. */
  bytes(): Uint8Array {
    const bytes = this.#target.subarray(0, this.#length)
    return this.#length < this.#target.length * WORTH_KEEPING ? Buffer.from(bytes) : bytes
  }
}
