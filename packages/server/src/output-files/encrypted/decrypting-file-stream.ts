import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ByteRange } from '../../output-file-store.ts'
import { OutputFileDamagedError } from './errors.ts'
import { HEADER_BYTES, TAG_BYTES, type ChunkCipher, type ChunkLayout } from './file-format.ts'

/** Read from the disk at once; a quarter of a millisecond of decryption. */
const READ_BYTES = 256 * 1024

/** What a {@link DecryptingFileStream} reads. */
export interface DecryptingFileStreamOptions {
  /** Closed together with the stream. */
  readonly file: FileHandle
  readonly cipher: ChunkCipher
  readonly layout: ChunkLayout
  /** Of the plaintext; the whole file when left out. */
  readonly range?: ByteRange | undefined
}

/**
 * The plaintext of an encrypted file, or of a range of it. Decrypts only the chunks that the range
 * touches, and hands out no byte of a chunk before the chunk has authenticated.
 */
export class DecryptingFileStream extends Readable {
  readonly #file: FileHandle
  readonly #cipher: ChunkCipher
  readonly #layout: ChunkLayout
  readonly #start: number
  /** Exclusive. */
  readonly #end: number
  readonly #memory: Buffer
  readonly #chunksAtOnce: number
  readonly #lastIndex: number
  #index: number

  constructor({ file, cipher, layout, range }: DecryptingFileStreamOptions) {
    super({ highWaterMark: READ_BYTES })
    this.#file = file
    this.#cipher = cipher
    this.#layout = layout
    const { chunkBytes, chunkCount, bytes } = layout
    this.#start = range?.start ?? 0
    this.#end = Math.min(bytes, range === undefined ? bytes : range.end + 1)
    // Beyond the end there is nothing to read, which the last chunk has to confirm.
    this.#index = Math.min(Math.floor(this.#start / chunkBytes), chunkCount - 1)
    const lastByte = Math.max(this.#start, this.#end - 1)
    this.#lastIndex = Math.min(Math.floor(lastByte / chunkBytes), chunkCount - 1)
    const wanted = Math.max(1, Math.floor(READ_BYTES / chunkBytes))
    this.#chunksAtOnce = Math.min(wanted, this.#lastIndex - this.#index + 1)
    this.#memory = Buffer.allocUnsafeSlow(this.#chunksAtOnce * (chunkBytes + TAG_BYTES))
  }

  override _read(): void {
    this.#readChunks().then(
      (pieces) => {
        for (const piece of pieces) this.push(piece)
        if (this.#index > this.#lastIndex) this.push(null)
      },
      (error: unknown) => {
        this.destroy(error instanceof Error ? error : new OutputFileDamagedError('chunk'))
      },
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#file.close().then(
      () => {
        this.#cipher.destroy()
        done(error)
      },
      (failure: unknown) => {
        this.#cipher.destroy()
        done(error ?? (failure instanceof Error ? failure : null))
      },
    )
  }

  async #readChunks(): Promise<readonly Buffer[]> {
    const stride = this.#layout.chunkBytes + TAG_BYTES
    const pieces: Buffer[] = []
    // A piece is empty where a range ends before it begins; the stream wants bytes or the end.
    while (pieces.length === 0 && this.#index <= this.#lastIndex) {
      const count = Math.min(this.#chunksAtOnce, this.#lastIndex - this.#index + 1)
      const stored = await this.#readFully(this.#index * stride, count * stride)
      for (let offset = 0; offset < stored.length; offset += stride) {
        const piece = this.#decrypt(stored.subarray(offset, offset + stride))
        if (piece.length > 0) pieces.push(piece)
      }
    }
    return pieces
  }

  #decrypt(chunk: Buffer): Buffer {
    const index = this.#index
    this.#index += 1
    const { chunkBytes, chunkCount } = this.#layout
    const plaintext = this.#cipher.decrypt(chunk, index, index === chunkCount - 1)
    const offset = index * chunkBytes
    const from = Math.max(0, this.#start - offset)
    return plaintext.subarray(from, Math.max(from, this.#end - offset))
  }

  /** The file's last chunk may be shorter; nothing else may. */
  async #readFully(offset: number, wanted: number): Promise<Buffer> {
    const { bytes, chunkCount } = this.#layout
    const length = Math.min(wanted, bytes + chunkCount * TAG_BYTES - offset)
    for (let filled = 0; filled < length;) {
      const position = HEADER_BYTES + offset + filled
      const { bytesRead } = await this.#file.read(this.#memory, filled, length - filled, position)
      if (bytesRead === 0) throw new OutputFileDamagedError('chunk')
      filled += bytesRead
    }
    return this.#memory.subarray(0, length)
  }
}
