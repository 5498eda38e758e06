import { createHash } from 'node:crypto'
import type { OutputFileKind } from '@flatfhir/protocol'
import type { OutputFile, StoredEncoding } from '../job-store.ts'
import type { OutputFileWriter } from '../output-file-store.ts'
import { GzipMember } from './gzip-member.ts'

/** What is known of an output file before its first line. */
export interface OutputFileIdentity {
  readonly fileId: string
  readonly kind: OutputFileKind
  readonly type: string
}

/** How output files are encoded. */
export interface EncodingOptions {
  readonly storedEncoding: StoredEncoding
  /** 1 to 9. */
  readonly gzipLevel: number
}

/** Encodes, hashes, counts and writes one output file. Works synchronously: for worker threads. */
export class OutputFileEncoder {
  readonly #writer: OutputFileWriter
  readonly #identity: OutputFileIdentity
  readonly #gzip: GzipMember | undefined
  readonly #contentHash = createHash('sha256')
  readonly #storedHash = createHash('sha256')
  #bytes = 0
  #storedBytes = 0
  #resourceCount = 0

  constructor(
    writer: OutputFileWriter,
    identity: OutputFileIdentity,
    { storedEncoding, gzipLevel }: EncodingOptions,
  ) {
    this.#writer = writer
    this.#identity = identity
    this.#gzip = storedEncoding === 'gzip' ? new GzipMember(gzipLevel) : undefined
  }

  /** Bytes of NDJSON so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Appends complete lines. */
  async write(lines: Uint8Array, resourceCount: number): Promise<void> {
    if (this.#bytes === 0 && this.#gzip !== undefined) await this.#store(this.#gzip.header())
    this.#bytes += lines.length
    this.#resourceCount += resourceCount
    this.#contentHash.update(lines)
    await this.#store(this.#gzip === undefined ? lines : this.#gzip.block(lines))
  }

  /** Makes the file durable and visible. */
  async commit(): Promise<OutputFile> {
    if (this.#gzip !== undefined) await this.#store(this.#gzip.trailer())
    await this.#writer.commit()
    const sha256 = this.#contentHash.digest('hex')
    return {
      ...this.#identity,
      resourceCount: this.#resourceCount,
      bytes: this.#bytes,
      sha256,
      storedEncoding: this.#gzip === undefined ? 'identity' : 'gzip',
      storedBytes: this.#storedBytes,
      storedSha256: this.#gzip === undefined ? sha256 : this.#storedHash.digest('hex'),
    }
  }

  /** Removes what was written. */
  async abort(): Promise<void> {
    await this.#writer.abort()
  }

  async #store(bytes: Uint8Array): Promise<void> {
    this.#storedBytes += bytes.length
    // Stored as it is, the file has one digest, which is not worked out twice.
    if (this.#gzip !== undefined) this.#storedHash.update(bytes)
    const pending = this.#writer.write(bytes)
    if (pending !== undefined) await pending
  }
}
