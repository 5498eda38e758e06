import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ByteRange } from './output-file-store.ts'

/** Small enough for the cache of a core, large enough for few calls. */
const CHUNK_BYTES = 256 * 1024

/**
 * A file, or a range of one, whose reader may give the memory of chunks back to be filled again.
 *
 * Fresh memory for every chunk of a large file keeps the garbage collector as busy as the reading
 * itself. A reader that knows nothing of {@link RecyclingFileStream.recycle} gets fresh memory, as
 * from any other stream.
 */
export class RecyclingFileStream extends Readable {
  readonly #file: FileHandle
  readonly #end: number
  readonly #free: ArrayBufferLike[] = []
  #position: number

  /** @param file - Closed together with the stream. */
  constructor(file: FileHandle, { start, end }: ByteRange = { start: 0, end: Infinity }) {
    super({ highWaterMark: CHUNK_BYTES })
    this.#file = file
    this.#position = start
    this.#end = end
  }

  /** Gives the memory of a chunk back; nobody may look at the chunk afterwards. */
  recycle(chunk: Uint8Array): void {
    if (chunk.buffer.byteLength === CHUNK_BYTES) this.#free.push(chunk.buffer)
  }

  override _read(): void {
    void this.#readChunk()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#file.close().then(
      () => {
        done(error)
      },
      (failure: unknown) => {
        done(error ?? (failure instanceof Error ? failure : null))
      },
    )
  }

  async #readChunk(): Promise<void> {
    const wanted = Math.min(CHUNK_BYTES, this.#end + 1 - this.#position)
    if (wanted <= 0) {
      this.push(null)
      return
    }
    const memory = Buffer.from(this.#free.pop() ?? new ArrayBuffer(CHUNK_BYTES))
    try {
      const { bytesRead } = await this.#file.read(memory, 0, wanted, this.#position)
      this.#position += bytesRead
      this.push(bytesRead === 0 ? null : memory.subarray(0, bytesRead))
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('A file could not be read'))
    }
  }
}
