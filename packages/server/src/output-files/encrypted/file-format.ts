import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { OutputFileKey } from '../../output-file-store.ts'
import { KEY_BYTES } from './encryption-key.ts'
import { OutputFileDamagedError } from './errors.ts'

/*
 * The format is described, with test vectors, in docs/encrypted-files.md. In short:
 *
 *   file   = header chunk*              header = magic[8] chunkBytes[4] zero[4] salt[16]
 *   chunk  = AES-256-GCM(fileKey, nonce, plaintext, aad = header), the tag behind
 *   fileKey = HKDF-SHA-256(jobKey, salt, "flatfhir output file v1\0<jobId>/<fileId>")
 *   nonce  = zero[3] index[8] isLast[1]
 *
 * The key knows the job and the file, the nonce knows the place and the end: a chunk authenticates
 * where it was written and nowhere else, and only the last chunk as the last.
 */

/** Bytes before the first chunk. */
export const HEADER_BYTES = 32
/** Bytes that every chunk has beyond its plaintext. */
export const TAG_BYTES = 16
/** Plaintext bytes in a chunk: the least that a read of one byte decrypts. */
export const DEFAULT_CHUNK_BYTES: number = 64 * 1024
/** What a header may claim; decides how much memory a reader takes. */
const CHUNK_BYTES_LIMITS = { least: 16, most: 4 * 1024 * 1024 } as const

/** Bytes of the salt in a header. */
export const SALT_BYTES = 16

const CIPHER = 'aes-256-gcm'
const MAGIC = Buffer.from('FFHENC01', 'latin1')
const CHUNK_BYTES_OFFSET = MAGIC.length
const SALT_OFFSET = HEADER_BYTES - SALT_BYTES
const FILE_KEY_CONTEXT = 'flatfhir output file v1\0'
const NONCE_BYTES = 12
const INDEX_OFFSET = 3
const LAST_OFFSET = 11

/** Makes the first bytes of a file. */
export function encodeHeader(chunkBytes: number, salt: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.set(MAGIC)
  header.writeUInt32BE(chunkBytes, CHUNK_BYTES_OFFSET)
  header.set(salt, SALT_OFFSET)
  return header
}

/** Whether a file begins like an encrypted one. */
export function isEncryptedFile(firstBytes: Uint8Array): boolean {
  return MAGIC.equals(firstBytes.subarray(0, MAGIC.length))
}

/** Where the chunks of one file are. */
export interface ChunkLayout {
  readonly chunkBytes: number
  readonly chunkCount: number
  /** Of the plaintext. */
  readonly bytes: number
}

/**
 * Works out the layout from the header and the file's size. Neither is to be trusted before a chunk
 * authenticates: a file that was cut has another chunk at its end, which fails as the last one.
 *
 * @throws OutputFileDamagedError when no file can have such a header or size.
 */
export function chunkLayout(header: Uint8Array, fileBytes: number): ChunkLayout {
  const view = Buffer.from(header.buffer, header.byteOffset, header.byteLength)
  if (view.length < HEADER_BYTES || !isEncryptedFile(view)) {
    throw new OutputFileDamagedError('header')
  }
  const chunkBytes = view.readUInt32BE(CHUNK_BYTES_OFFSET)
  const { least, most } = CHUNK_BYTES_LIMITS
  if (chunkBytes < least || chunkBytes > most) throw new OutputFileDamagedError('header')
  const body = fileBytes - HEADER_BYTES
  const chunkCount = Math.ceil(body / (chunkBytes + TAG_BYTES))
  const bytes = body - chunkCount * TAG_BYTES
  const leastBytes = (chunkCount - 1) * chunkBytes + (chunkCount > 1 ? 1 : 0)
  if (chunkCount < 1 || bytes < leastBytes) throw new OutputFileDamagedError('chunk')
  return { chunkBytes, chunkCount, bytes }
}

/** Encrypts and decrypts the chunks of one file. */
export class ChunkCipher {
  readonly #header: Uint8Array
  readonly #key: Uint8Array

  /** @param header - Of the file, in full. */
  constructor(jobKey: Uint8Array, header: Uint8Array, { jobId, fileId }: OutputFileKey) {
    this.#header = header
    const salt = header.subarray(SALT_OFFSET)
    const context = `${FILE_KEY_CONTEXT}${jobId}/${fileId}`
    this.#key = new Uint8Array(hkdfSync('sha256', jobKey, salt, context, KEY_BYTES))
  }

  /** @returns the ciphertext and the tag that goes behind it. */
  encrypt(plaintext: Uint8Array, index: number, isLast: boolean): readonly [Buffer, Buffer] {
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(index, isLast))
    cipher.setAAD(this.#header)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    return [ciphertext, cipher.getAuthTag()]
  }

  /**
   * @param chunk - Ciphertext and tag.
   * @throws OutputFileDamagedError when this is not the chunk that was written in this place.
   */
  decrypt(chunk: Uint8Array, index: number, isLast: boolean): Buffer {
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(index, isLast), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(this.#header)
    const end = chunk.length - TAG_BYTES
    try {
      decipher.setAuthTag(chunk.subarray(end))
      const plaintext = decipher.update(chunk.subarray(0, end))
      decipher.final()
      return plaintext
    } catch {
      throw new OutputFileDamagedError('chunk')
    }
  }

  /** Forgets the key. Nothing can be encrypted or decrypted afterwards. */
  destroy(): void {
    this.#key.fill(0)
  }
}

function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeBigUInt64BE(BigInt(index), INDEX_OFFSET)
  nonce.writeUInt8(isLast ? 1 : 0, LAST_OFFSET)
  return nonce
}
