import { createHash, type Hash } from 'node:crypto'
import { constants, createGunzip, createGzip } from 'node:zlib'
import type { OutputFileKind } from '@flatfhir/protocol'
import { LineBlocks, type LineBlock } from '../verification/line-blocks.ts'
import type { LineCheckPool } from '../verification/line-check-pool.ts'
import type { LineRules } from '../verification/line-check.ts'
import { LineLedger, type LineTotals } from '../verification/line-ledger.ts'
import type { PartFile } from './part-file.ts'
import { ZlibPump } from './zlib-pump.ts'

/** Content codings that the client asks for and understands. */
export type ContentCoding = 'identity' | 'gzip'

/** What arrived. */
export interface ReceivedContent {
  /** Size of the NDJSON without content coding. */
  readonly bytes: number
  /** Lower-case hexadecimal, of the NDJSON without content coding. */
  readonly sha256: string
  /** Base64, of the bytes as they came over the wire. */
  readonly encodedSha256: string
  readonly lines: LineTotals
}

/** What a {@link ReceivedFile} needs. */
export interface ReceivedFileOptions {
  readonly part: PartFile
  readonly pool: LineCheckPool
  readonly kind: OutputFileKind
  readonly type: string
  readonly maxLineBytes: number
  readonly maxDecompressionRatio: number
  /** Whether the file is kept compressed. */
  readonly gzip: boolean
}

/** A file grew out of all proportion while it was decompressed. */
export class DecompressionRatioError extends Error {}

const RATIO_FREE_BYTES = 16 * 1024 * 1024
const ZLIB_CHUNK_BYTES = 256 * 1024

/**
 * Takes the bytes of one file as they arrive: decompresses, hashes, has the lines checked, writes.
 *
 * The order matters: a block of lines is hashed and written first and then handed to a verification
 * thread, which takes it away. A download that was cut goes on with {@link write} where it stopped,
 * because the state of the decompressor and of the hash is still here; one that cannot, starts over
 * with {@link begin}.
 */
export class ReceivedFile {
  readonly #options: ReceivedFileOptions
  #encodedBytes = 0
  #bytes = 0
  #hash: Hash = createHash('sha256')
  #encodedHash: Hash | undefined
  #coding: ContentCoding = 'identity'
  #blocks: LineBlocks | undefined
  #ledger: LineLedger
  #decoder: ZlibPump | undefined
  #encoder: ZlibPump | undefined

  constructor(options: ReceivedFileOptions) {
    this.#options = options
    this.#ledger = new LineLedger()
  }

  /** Bytes as they came over the wire, since {@link begin}: where a cut download goes on. */
  get encodedBytes(): number {
    return this.#encodedBytes
  }

  /** Decompressed bytes since {@link begin}. */
  get bytes(): number {
    return this.#bytes
  }

  /** Starts from the first byte, forgetting what came before. */
  async begin(coding: ContentCoding): Promise<void> {
    await this.close()
    const { part, pool, maxLineBytes, gzip } = this.#options
    await part.clear()
    this.#encodedBytes = 0
    this.#bytes = 0
    this.#coding = coding
    this.#hash = createHash('sha256')
    this.#encodedHash = coding === 'gzip' ? createHash('sha256') : undefined
    this.#ledger = new LineLedger()
    this.#blocks = new LineBlocks({ pool, maxLineBytes, emit: async (block) => this.#take(block) })
    if (coding === 'gzip') {
      const gunzip = createGunzip({ chunkSize: ZLIB_CHUNK_BYTES })
      this.#decoder = new ZlibPump(gunzip, async (chunk) => this.#plain(chunk))
    } else if (gzip) {
      const compressor = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: ZLIB_CHUNK_BYTES })
      this.#encoder = new ZlibPump(compressor, async (chunk) => part.append(chunk))
    }
  }

  /**
   * Takes the next bytes off the wire.
   *
   * @throws {@link DecompressionRatioError}; zlib's error (`Z_…`); the file system's.
   */
  async write(chunk: Uint8Array): Promise<void> {
    this.#encodedBytes += chunk.length
    this.#encodedHash?.update(chunk)
    if (this.#decoder === undefined) {
      await this.#plain(chunk)
      return
    }
    if (this.#options.gzip) await this.#options.part.append(chunk)
    await this.#decoder.write(chunk)
  }

  /**
   * Waits for everything that is under way.
   *
   * @throws as {@link write}; a compressed file that is cut is zlib's error `Z_BUF_ERROR`.
   */
  async finish(): Promise<ReceivedContent> {
    await this.#decoder?.end()
    await this.#blocks?.end()
    this.#blocks = undefined
    await this.#encoder?.end()
    const lines = await this.#ledger.close()
    const sha256 = this.#hash.digest()
    const encodedSha256 = this.#encodedHash?.digest() ?? sha256
    return {
      bytes: this.#bytes,
      sha256: sha256.toString('hex'),
      encodedSha256: encodedSha256.toString('base64'),
      lines,
    }
  }

  /** Stops everything that is under way. */
  async close(): Promise<void> {
    await this.#decoder?.close()
    await this.#encoder?.close()
    this.#decoder = undefined
    this.#encoder = undefined
    this.#blocks?.close()
    this.#blocks = undefined
    await this.#ledger.close().catch(() => undefined)
  }

  async #plain(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.length
    const allowed = Math.max(
      RATIO_FREE_BYTES,
      this.#encodedBytes * this.#options.maxDecompressionRatio,
    )
    if (this.#coding === 'gzip' && this.#bytes > allowed) throw new DecompressionRatioError()
    await this.#blocks?.push(chunk)
  }

  async #take({ block, length, content }: LineBlock): Promise<void> {
    const { part, pool, gzip } = this.#options
    const bytes = block.subarray(0, length)
    this.#hash.update(bytes)
    if (this.#encoder !== undefined) await this.#encoder.write(bytes)
    else if (!gzip) await part.append(bytes)

    if (content === 'lines') {
      await this.#ledger.add(pool.check(block, length, this.#rules()))
      return
    }
    pool.returnBlock(block)
    if (content === 'too-long') await this.#ledger.addTooLong()
  }

  #rules(): LineRules {
    const { kind, type, maxLineBytes } = this.#options
    return { kind, type, maxLineBytes }
  }
}
