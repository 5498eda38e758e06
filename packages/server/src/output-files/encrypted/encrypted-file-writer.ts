import type { OutputFileWriter } from '../../output-file-store.ts'
import type { ChunkCipher } from './file-format.ts'

/** What an {@link EncryptedFileWriter} works with. */
export interface EncryptedFileWriterOptions {
  /** Writes the encrypted bytes. */
  readonly target: OutputFileWriter
  readonly cipher: ChunkCipher
  readonly header: Uint8Array
  readonly chunkBytes: number
}

/**
 * Encrypts a file chunk by chunk while it is written. A full chunk waits until a further byte comes,
 * because only then it is known not to be the last.
 */
export class EncryptedFileWriter implements OutputFileWriter {
  readonly #target: OutputFileWriter
  readonly #cipher: ChunkCipher
  readonly #header: Uint8Array
  /** Copied, because the caller may use his memory again. */
  readonly #pending: Buffer
  #pendingBytes = 0
  #index = 0

  constructor({ target, cipher, header, chunkBytes }: EncryptedFileWriterOptions) {
    this.#target = target
    this.#cipher = cipher
    this.#header = header
    this.#pending = Buffer.allocUnsafeSlow(chunkBytes)
  }

  async write(bytes: Uint8Array): Promise<void> {
    const chunkBytes = this.#pending.length
    let offset = 0
    while (this.#pendingBytes + bytes.length - offset > chunkBytes) {
      if (this.#pendingBytes === 0) {
        await this.#store(bytes.subarray(offset, offset + chunkBytes), false)
        offset += chunkBytes
      } else {
        offset += this.#keep(bytes.subarray(offset))
        await this.#store(this.#pending, false)
        this.#pendingBytes = 0
      }
    }
    this.#keep(bytes.subarray(offset))
  }

  async commit(): Promise<void> {
    await this.#store(this.#pending.subarray(0, this.#pendingBytes), true)
    this.#forget()
    await this.#target.commit()
  }

  async abort(): Promise<void> {
    this.#forget()
    await this.#target.abort()
  }

  /** @returns how many of the bytes found room. */
  #keep(bytes: Uint8Array): number {
    const kept = bytes.subarray(0, this.#pending.length - this.#pendingBytes)
    this.#pending.set(kept, this.#pendingBytes)
    this.#pendingBytes += kept.length
    return kept.length
  }

  async #store(plaintext: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#index === 0) await this.#target.write(this.#header)
    const [ciphertext, tag] = this.#cipher.encrypt(plaintext, this.#index, isLast)
    this.#index += 1
    await this.#target.write(ciphertext)
    await this.#target.write(tag)
  }

  #forget(): void {
    this.#cipher.destroy()
    this.#pending.fill(0)
    this.#pendingBytes = 0
  }
}
