/** Buffers of one size that are used again: to make them anew for every file is work for two. */
export class BufferPool {
  /** Bytes of each buffer. */
  readonly bytes: number
  readonly #most: number
  readonly #free: Buffer[] = []

  /** @param most - How many are kept while nobody uses them. */
  constructor(bytes: number, most: number) {
    this.bytes = bytes
    this.#most = most
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes)
  }

  /** Takes a buffer back, which its user must not touch any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#most) this.#free.push(buffer)
  }
}
