import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { EncryptionKeyInvalidError } from './errors.ts'

/** Bytes of every AES-256 key. */
export const KEY_BYTES = 32
/** Bytes of a key's id. */
export const KEY_ID_BYTES = 8

const KEY_ID_CONTEXT = 'flatfhir encryption key id v1\0'
/** More than any form of a key; a wrong path may lead to a huge file. */
const MAX_FILE_BYTES = 4096
const HEXADECIMAL = /^[0-9A-Fa-f]+$/
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/**
 * The key that data keys of jobs are wrapped with. Neither `JSON.stringify` nor `util.inspect` shows
 * more of it than its id.
 */
export class EncryptionKey {
  /** 16 hexadecimal digits out of a hash of the key: which key it is, and nothing about it. */
  readonly keyId: string
  readonly #bytes: Uint8Array

  /**
   * @param bytes - 32 random bytes; copied.
   * @throws EncryptionKeyInvalidError for any other length, and for one byte repeated.
   */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) {
      const message = `An encryption key has ${KEY_BYTES} bytes, this one has ${bytes.length}`
      throw new EncryptionKeyInvalidError('wrong-length', message)
    }
    if (bytes.every((byte) => byte === bytes[0])) {
      throw new EncryptionKeyInvalidError('weak', 'The encryption key is one byte repeated')
    }
    // In memory of its own: a worker thread gets the whole buffer that a view is of.
    this.#bytes = Uint8Array.from(bytes)
    const hash = createHash('sha256').update(KEY_ID_CONTEXT).update(bytes).digest()
    this.keyId = hash.toString('hex', 0, KEY_ID_BYTES)
  }

  /** The key itself: for ciphers and worker threads, never for messages. */
  bytes(): Uint8Array {
    return this.#bytes
  }
}

/** A key that was read from a file. */
export interface ReadEncryptionKey {
  readonly key: EncryptionKey
  /** Other accounts than the owner's may read the file: worth a warning. `false` on Windows. */
  readonly readableByOthers: boolean
}

/**
 * Reads an encryption key: 32 random bytes as they are, in hexadecimal, or in base64 (either
 * alphabet, padded or not); white space around the text is ignored.
 *
 * @throws EncryptionKeyInvalidError when there is no such file, or no such key in it.
 */
export async function readEncryptionKey(path: string): Promise<ReadEncryptionKey> {
  const { content, mode } = await readSmallFile(path)
  const key = new EncryptionKey(decode(content))
  content.fill(0)
  return { key, readableByOthers: process.platform !== 'win32' && (mode & 0o077) !== 0 }
}

async function readSmallFile(path: string): Promise<{ content: Buffer; mode: number }> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const { mode } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0)
    return { content: buffer.subarray(0, bytesRead), mode }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const message = `The encryption key file ${path} cannot be read (${reason})`
    throw new EncryptionKeyInvalidError('unreadable', message)
  } finally {
    await file?.close()
  }
}

function decode(content: Buffer): Buffer {
  const text = content.toString('latin1').trim()
  // Half a key in hexadecimal happens to have as many characters as a whole one has bytes.
  if (HEXADECIMAL.test(text)) return Buffer.from(text, 'hex')
  if (content.length === KEY_BYTES) return content
  if (BASE64.test(text)) return Buffer.from(text, 'base64')
  const message = `The encryption key file holds neither ${KEY_BYTES} bytes nor their hexadecimal or base64 form`
  throw new EncryptionKeyInvalidError('wrong-length', message)
}
