import { constants, crc32, deflateRawSync } from 'node:zlib'

const HEADER_BYTES = 10
const DEFLATE_METHOD = 8
const UNKNOWN_OPERATING_SYSTEM = 255
/** A final deflate block, of the fixed kind, with nothing in it. */
const LAST_BLOCK = [0x03, 0x00] as const
const CRC_AND_LENGTH_BYTES = 8
const MIN_CHUNK_BYTES = 64 * 1024

/**
 * Encodes one file as a single gzip member, block by block and synchronously; for worker threads.
 *
 * A single member, because several HTTP clients stop after the first. Synchronously, because a zlib
 * stream hands its data to a thread pool 16 KiB at a time and costs more than the compression. Each
 * block is deflated on its own and flushed to a byte border, so the blocks can be strung together.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc1952#section-2.3 | RFC 1952, section 2.3}
 */
export class GzipMember {
  readonly #level: number
  #checksum = 0
  #bytes = 0

  /** @param level - 1 to 9. */
  constructor(level: number) {
    this.#level = level
  }

  /** What comes before the first block. No time and no name: the same content, the same bytes. */
  header(): Uint8Array {
    const header = Buffer.alloc(HEADER_BYTES)
    header.set([0x1f, 0x8b, DEFLATE_METHOD])
    header[HEADER_BYTES - 1] = UNKNOWN_OPERATING_SYSTEM
    return header
  }

  /** Encodes the next block; of 100 KiB and more, or the ratio suffers. */
  block(bytes: Uint8Array): Uint8Array {
    this.#checksum = crc32(bytes, this.#checksum)
    this.#bytes += bytes.length
    return deflateRawSync(bytes, {
      level: this.#level,
      finishFlush: constants.Z_SYNC_FLUSH,
      // NDJSON of resources shrinks to about a tenth; what does not takes a second chunk or more.
      chunkSize: Math.max(MIN_CHUNK_BYTES, bytes.length >> 1),
    })
  }

  /** What comes after the last block. */
  trailer(): Uint8Array {
    const trailer = Buffer.alloc(LAST_BLOCK.length + CRC_AND_LENGTH_BYTES)
    trailer.set(LAST_BLOCK)
    trailer.writeUInt32LE(this.#checksum, LAST_BLOCK.length)
    trailer.writeUInt32LE(this.#bytes % 2 ** 32, LAST_BLOCK.length + 4)
    return trailer
  }
}
