import { createHash, type Hash, randomInt } from 'node:crypto'
import { constants, createGunzip, createGzip } from 'node:zlib'
import type { OutputFileKind } from '@flatfhir/protocol'
import type { ReferenceSpill } from '../references/reference-spill.ts'
import { LineBlocks, type LineBlock } from '../verification/line-blocks.ts'
import type { LineCheckPool } from '../verification/line-check-pool.ts'
import type { LineRules } from '../verification/line-check.ts'
import { LineLedger, type LineTotals } from '../verification/line-ledger.ts'
import type { PartFile } from './part-file.ts'
import { quarantineLines } from './quarantine-lines.ts'
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
  /** Takes the bytes as they come over the wire, which is where an interrupted run goes on. */
  readonly wire: PartFile
  /** Makes the file for the bytes as they are kept, where that is another coding. */
  readonly openKept: () => Promise<PartFile>
  readonly pool: LineCheckPool
  readonly kind: OutputFileKind
  readonly type: string
  readonly organized: boolean
  /** Base URL and place for ids and references, when they are wanted. */
  readonly references: { readonly baseUrl: string; readonly spill: ReferenceSpill } | undefined
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
 * Takes the bytes of one file as they arrive: writes, decompresses, hashes, has the lines checked.
 *
 * The order matters: a block of lines is hashed and written first and then handed to a verification
 * thread, which takes it away. A download that was cut goes on with {@link write} where it stopped,
 * because the state of the decompressor and of the hash is still here; after the process was killed,
 * {@link replay} makes that state anew from the bytes on disk; one that cannot go on starts over with
 * {@link begin}.
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
  #kept: PartFile | undefined
  #referenceRun: { readonly run: number; frames: number } | undefined

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
    await this.#options.wire.clear()
    await this.#reset(coding)
  }

  /**
   * Takes what an interrupted run left on disk as if it arrived now.
   *
   * @throws as {@link write}.
   */
  async replay(coding: ContentCoding): Promise<void> {
    await this.close()
    await this.#reset(coding)
    for await (const chunk of this.#options.wire.content()) await this.#consume(chunk)
  }

  async #reset(coding: ContentCoding): Promise<void> {
    const { pool, maxLineBytes, gzip, openKept } = this.#options
    this.#encodedBytes = 0
    this.#bytes = 0
    this.#coding = coding
    this.#hash = createHash('sha256')
    this.#encodedHash = coding === 'gzip' ? createHash('sha256') : undefined
    this.#ledger = this.#newLedger()
    this.#blocks = new LineBlocks({ pool, maxLineBytes, emit: async (block) => this.#take(block) })
    if ((coding === 'gzip') === gzip) {
      await this.#kept?.discard()
      this.#kept = undefined
    } else {
      this.#kept ??= await openKept()
      await this.#kept.clear()
    }
    if (coding === 'gzip') {
      const gunzip = createGunzip({ chunkSize: ZLIB_CHUNK_BYTES })
      this.#decoder = new ZlibPump(gunzip, async (chunk) => this.#plain(chunk))
    } else if (gzip) {
      const compressor = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: ZLIB_CHUNK_BYTES })
      this.#encoder = new ZlibPump(compressor, async (chunk) => this.#kept?.append(chunk))
    }
  }

  /** Frames of an attempt that starts over belong to a run that does not count. */
  #newLedger(): LineLedger {
    const { references } = this.#options
    if (references === undefined) return new LineLedger()
    const run = randomInt(2 ** 32)
    this.#referenceRun = { run, frames: 0 }
    return new LineLedger(async (collected) => {
      if (this.#referenceRun?.run === run) this.#referenceRun.frames += 1
      await references.spill.add(run, collected)
    })
  }

  /** Where ids and references of the file are in the spill. */
  get referenceRun(): { readonly run: number; readonly frames: number } | undefined {
    return this.#referenceRun
  }

  /**
   * Takes the next bytes off the wire.
   *
   * @throws {@link DecompressionRatioError}; zlib's error (`Z_…`); the file system's.
   */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#options.wire.append(chunk)
    await this.#consume(chunk)
  }

  async #consume(chunk: Uint8Array): Promise<void> {
    this.#encodedBytes += chunk.length
    this.#encodedHash?.update(chunk)
    if (this.#decoder === undefined) await this.#plain(chunk)
    else await this.#decoder.write(chunk)
  }

  /** Makes what arrived durable, under its temporary name. */
  async sync(): Promise<void> {
    await (this.#kept ?? this.#options.wire).sync()
  }

  /** Gives what arrived its name, and removes what is not needed any more. */
  async publish(path: string): Promise<void> {
    const { wire } = this.#options
    if (this.#kept === undefined) {
      await wire.publish(path)
      return
    }
    await this.#kept.publish(path)
    await wire.discard()
  }

  /**
   * Keeps only the lines that can be used.
   *
   * @param usable - Takes them, and takes the place of what arrived.
   * @param place - Path of the file for the others.
   */
  async replace(usable: PartFile, place: string): Promise<void> {
    const { pool, gzip, wire } = this.#options
    const from = this.#kept ?? wire
    await quarantineLines({
      pool,
      gzip,
      from,
      to: usable,
      place,
      rules: { ...this.#rules(), references: undefined },
    })
    await this.#kept?.discard()
    this.#kept = usable
  }

  /** Removes what arrived. */
  async discard(): Promise<void> {
    await this.close()
    await this.#options.wire.discard()
    await this.#kept?.discard()
  }

  /** Leaves what arrived to a later run. */
  async leave(): Promise<void> {
    await this.close()
    await this.#options.wire.close()
    // It is made anew from what came over the wire.
    await this.#kept?.discard()
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
    const { pool } = this.#options
    const bytes = block.subarray(0, length)
    this.#hash.update(bytes)
    if (this.#encoder !== undefined) await this.#encoder.write(bytes)
    else if (this.#decoder !== undefined) await this.#kept?.append(bytes)

    if (content === 'lines') {
      await this.#ledger.add(pool.check(block, length, this.#rules()))
      return
    }
    pool.returnBlock(block)
    if (content === 'too-long') await this.#ledger.addTooLong()
  }

  #rules(): LineRules {
    const { kind, type, organized, references, maxLineBytes } = this.#options
    return { kind, type, organized, references: references?.baseUrl, maxLineBytes }
  }
}
