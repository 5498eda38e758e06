import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

const READ_BYTES = 1024 * 1024
/** Smaller pieces than this are gathered: each write costs more than the copy. */
const GATHER_BYTES = 256 * 1024

/**
 * A file while it is being written, under a name that no reader takes for a finished one.
 *
 * One that an interrupted run left behind is gone on with.
 */
export class PartFile {
  readonly #path: string
  readonly #handle: FileHandle
  #position: number
  /** What is not written yet; a killed process loses it, and fetches it again. */
  #gathered: Buffer | undefined
  #gatheredBytes = 0
  #open = true

  private constructor(path: string, handle: FileHandle, position: number) {
    this.#path = path
    this.#handle = handle
    this.#position = position
  }

  /** @throws the system's error, for example `EACCES` or `ENOSPC`. */
  static async open(path: string): Promise<PartFile> {
    // `a+` would make every write go to the end, also after `clear`.
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const { size } = await handle.stat()
    return new PartFile(path, handle, size)
  }

  /** Takes the bytes; what they are in can be used again when the promise resolves. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#gatheredBytes + bytes.length > GATHER_BYTES) await this.flush()
    if (bytes.length >= GATHER_BYTES) {
      await this.#write(bytes)
      return
    }
    this.#gathered ??= Buffer.allocUnsafeSlow(GATHER_BYTES)
    this.#gathered.set(bytes, this.#gatheredBytes)
    this.#gatheredBytes += bytes.length
  }

  /** Writes what is gathered; it may still be in the system's cache then. */
  async flush(): Promise<void> {
    if (this.#gathered === undefined || this.#gatheredBytes === 0) return
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes)
    this.#gatheredBytes = 0
    await this.#write(bytes)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const rest = bytes.length - written
      const result = await this.#handle.write(bytes, written, rest, this.#position)
      written += result.bytesWritten
      this.#position += result.bytesWritten
    }
  }

  /** What the file holds, from its first byte. A chunk is valid until the next one is asked for. */
  async *content(): AsyncGenerator<Uint8Array, void, void> {
    await this.flush()
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(this.#position, 1)))
    for (let at = 0; at < this.#position;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  /** Forgets everything that was written. */
  async clear(): Promise<void> {
    this.#gatheredBytes = 0
    if (this.#position === 0) return
    this.#position = 0
    await this.#handle.truncate(0)
  }

  /** Makes the bytes durable. */
  async sync(): Promise<void> {
    await this.flush()
    await this.#handle.datasync()
  }

  /** Gives the file its name. The name is durable with the folder. */
  async publish(path: string): Promise<void> {
    await this.close()
    await rename(this.#path, path)
  }

  /** Removes the file. */
  async discard(): Promise<void> {
    if (!this.#open) return
    this.#gatheredBytes = 0
    await this.close()
    await rm(this.#path, { force: true })
  }

  /** Leaves the file to a later run. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    try {
      await this.flush()
    } finally {
      await this.#handle.close()
    }
  }
}
