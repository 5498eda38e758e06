import type { FileHandle } from 'node:fs/promises'

/** Size of the buffer of one file, in bytes. */
const BUFFER_BYTES = 256 * 1024
const LINE_FEED = 0x0a
/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3

/**
 * Writes one NDJSON file through a buffer of fixed size. `append` says when the buffer is full: the
 * caller then awaits `flush` before it goes on, so that memory stays what it is when the disk is slow.
 */
export class NdjsonFile {
  /** Lines so far. */
  resourceCount = 0
  /** Bytes so far, those in the buffer included. */
  bytes = 0
  readonly #handle: FileHandle
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  #used = 0
  #overflow: string[] = []

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /**
   * Takes one whole line without its line feed.
   *
   * @returns `false` when {@link flush} must be awaited before the next call.
   */
  appendLine(line: string): boolean {
    this.resourceCount += 1
    return this.#append(line, true)
  }

  /**
   * Takes a piece of a line; the caller counts lines by ending the last piece with a line feed.
   *
   * @returns `false` when {@link flush} must be awaited before the next call.
   */
  appendPiece(piece: string): boolean {
    if (piece.endsWith('\n')) this.resourceCount += 1
    return this.#append(piece, false)
  }

  /** Hands what is in the buffer to the operating system. */
  async flush(): Promise<void> {
    const overflow = this.#overflow
    this.#overflow = []
    await this.#write(this.#buffer.subarray(0, this.#used))
    this.#used = 0
    for (const text of overflow) await this.#write(Buffer.from(text, 'utf8'))
  }

  /** Flushes, and makes sure that the bytes survive a power cut. */
  async close(): Promise<void> {
    try {
      await this.flush()
      await this.#handle.sync()
    } finally {
      await this.#handle.close()
    }
  }

  /** Closes without writing what is left. */
  async abandon(): Promise<void> {
    await this.#handle.close()
  }

  #append(text: string, isLine: boolean): boolean {
    const room = BUFFER_BYTES - this.#used
    if ((text.length + 1) * MAX_BYTES_PER_UNIT > room || this.#overflow.length > 0) {
      const whole = isLine ? `${text}\n` : text
      this.#overflow.push(whole)
      this.bytes += Buffer.byteLength(whole, 'utf8')
      return false
    }
    const before = this.#used
    this.#used += this.#buffer.write(text, this.#used, 'utf8')
    if (isLine) {
      this.#buffer[this.#used] = LINE_FEED
      this.#used += 1
    }
    this.bytes += this.#used - before
    return true
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let start = 0
    while (start < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, start, bytes.length - start)
      start += bytesWritten
    }
  }
}
