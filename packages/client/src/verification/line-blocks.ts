import { BLOCK_BYTES, type LineCheckPool } from './line-check-pool.ts'

/** Bytes of a file in the order of the file; all blocks together are the file. */
export interface LineBlock {
  readonly block: Buffer
  /** Bytes of `block` that are filled. */
  readonly length: number
  /**
   * - `lines`: whole lines (the last of the file may lack its line feed).
   * - `too-long`: the beginning of a line that is longer than allowed.
   * - `rest`: more of such a line.
   */
  readonly content: 'lines' | 'too-long' | 'rest'
}

/** Where the blocks come from and go to. */
export interface LineBlocksOptions {
  readonly pool: LineCheckPool
  readonly maxLineBytes: number
  /** Takes over the block. The next one is made when the promise resolves. */
  readonly emit: (block: LineBlock) => Promise<void>
}

const LINE_FEED = 0x0a

/**
 * Cuts a stream of bytes into blocks that end where lines end.
 *
 * Cutting at the line feed, which is no part of any other character in UTF-8, is what keeps
 * characters whole wherever the network cut them. Memory: one block, or one line of at most
 * `maxLineBytes` where that is more.
 */
export class LineBlocks {
  readonly #options: LineBlocksOptions
  #block: Buffer
  #length = 0
  /** Inside a line that is too long: up to its line feed, bytes are passed on unchecked. */
  #skipping = false

  constructor(options: LineBlocksOptions) {
    this.#options = options
    this.#block = options.pool.takeBlock()
  }

  async push(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.length > 0) {
      const taken = this.#skipping ? this.#lengthToSkip(rest) : rest.length
      const copied = Math.min(taken, this.#block.length - this.#length)
      this.#block.set(rest.subarray(0, copied), this.#length)
      this.#length += copied
      rest = rest.subarray(copied)
      if (this.#skipping) await this.#skipped()
      else if (this.#length === this.#block.length) await this.#full()
    }
  }

  /** Emits what is left. */
  async end(): Promise<void> {
    if (this.#length > 0) await this.#emit(this.#skipping ? 'rest' : 'lines')
    this.close()
  }

  /** Gives the memory back. Nothing can be pushed afterwards. */
  close(): void {
    this.#options.pool.returnBlock(this.#block)
    this.#block = Buffer.alloc(0)
  }

  async #full(): Promise<void> {
    const lastLineFeed = this.#block.lastIndexOf(LINE_FEED, this.#length - 1)
    if (lastLineFeed !== -1) {
      await this.#emitUpTo(lastLineFeed + 1)
    } else if (this.#length <= this.#options.maxLineBytes) {
      this.#grow()
    } else {
      this.#skipping = true
      await this.#emit('too-long')
    }
  }

  async #skipped(): Promise<void> {
    const atEndOfLine = this.#block[this.#length - 1] === LINE_FEED
    if (!atEndOfLine && this.#length < this.#block.length) return
    if (atEndOfLine) this.#skipping = false
    await this.#emit('rest')
  }

  #lengthToSkip(bytes: Uint8Array): number {
    const lineFeed = bytes.indexOf(LINE_FEED)
    return lineFeed === -1 ? bytes.length : lineFeed + 1
  }

  #grow(): void {
    // One byte more than the longest line: when even that is full, the line is too long.
    const bytes = Math.min(
      this.#block.length * 2,
      Math.max(this.#options.maxLineBytes + 1, BLOCK_BYTES),
    )
    const larger = this.#options.pool.takeBlock(bytes)
    larger.set(this.#block.subarray(0, this.#length))
    this.#options.pool.returnBlock(this.#block)
    this.#block = larger
  }

  async #emitUpTo(length: number): Promise<void> {
    const next = this.#options.pool.takeBlock(this.#sizeFor(this.#length - length))
    next.set(this.#block.subarray(length, this.#length))
    const block = this.#block
    this.#block = next
    this.#length -= length
    await this.#options.emit({ block, length, content: 'lines' })
  }

  #sizeFor(bytes: number): number {
    return bytes < BLOCK_BYTES ? BLOCK_BYTES : this.#block.length
  }

  async #emit(content: LineBlock['content']): Promise<void> {
    const { pool, emit } = this.#options
    const block = this.#block
    const length = this.#length
    this.#block = pool.takeBlock()
    this.#length = 0
    await emit({ block, length, content })
  }
}
