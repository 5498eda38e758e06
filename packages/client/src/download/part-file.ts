import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/**
 * A file while it is being downloaded, under a name that no reader takes for a finished one.
 *
 * Made with the flag that fails when the file exists: nothing is ever overwritten.
 */
export class PartFile {
  readonly #path: string
  readonly #handle: FileHandle
  #position = 0
  #open = true

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** @throws the system's error, for example `EEXIST` or `ENOSPC`. */
  static async create(path: string): Promise<PartFile> {
    return new PartFile(path, await open(path, 'wx', 0o600))
  }

  async append(bytes: Uint8Array): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const rest = bytes.length - written
      const result = await this.#handle.write(bytes, written, rest, this.#position)
      written += result.bytesWritten
      this.#position += result.bytesWritten
    }
  }

  /** Forgets everything that was written. */
  async clear(): Promise<void> {
    this.#position = 0
    await this.#handle.truncate(0)
  }

  /** Makes the bytes durable and gives the file its name. The name is durable with the folder. */
  async publish(path: string): Promise<void> {
    await this.#handle.datasync()
    await this.#close()
    await rename(this.#path, path)
  }

  /** Removes the file, unless it was published. */
  async discard(): Promise<void> {
    if (!this.#open) return
    await this.#close()
    await rm(this.#path, { force: true })
  }

  async #close(): Promise<void> {
    this.#open = false
    await this.#handle.close()
  }
}
