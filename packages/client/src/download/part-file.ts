import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { BufferPool } from './buffer-pool.ts'

const READ_BYTES = 1024 * 1024
/** Smaller pieces than this are gathered: each write costs more than the copy. */
const GATHER_BYTES = 256 * 1024
const MAX_FREE_BUFFERS = 16

/** Buffers for part files that are written one after the other. */
export function partFileBuffers(): BufferPool {
  return new BufferPool(GATHER_BYTES, MAX_FREE_BUFFERS)
}

/** How a part file is opened. */
export interface PartFileOptions {
  /** From {@link partFileBuffers}; by default the file has its own. */
  readonly buffers?: BufferPool | undefined
  /** Whether what is there is of no use. */
  readonly fresh?: boolean
}

/**
 * A file while it is being written, under a name that no reader takes for a finished one.
 *
 * One that an interrupted run left behind is gone on with.
 */
export class PartFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #buffers: BufferPool
  #position: number
  /** What is not written yet; a killed process loses it, and fetches it again. */
  #gathered: Buffer | undefined
  #gatheredBytes = 0
  /** One buffer is filled while another is written. */
  #writing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #open = true

  private constructor(
    path: string,
    handle: FileHandle,
    rest: { readonly position: number; readonly buffers: BufferPool },
  ) {
    this.#path = path
    this.#handle = handle
    this.#position = rest.position
    this.#buffers = rest.buffers
  }

  /** @throws the system's error, for example `EACCES` or `ENOSPC`. */
  static async open(path: string, options: PartFileOptions = {}): Promise<PartFile> {
    const { fresh = false, buffers = partFileBuffers() } = options
    // `a+` would make every write go to the end, also after `clear`.
    const flags = constants.O_RDWR | constants.O_CREAT | (fresh ? constants.O_TRUNC : 0)
    const handle = await open(path, flags, 0o600)
    const position = fresh ? 0 : (await handle.stat()).size
    return new PartFile(path, handle, { position, buffers })
  }

  /**
   * Takes the bytes; what they are in can be used again when the promise resolves.
   *
   * @throws what an earlier write failed with, too.
   */
  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length >= GATHER_BYTES) {
      await this.flush()
      await this.#write(bytes)
      return
    }
    if (this.#gatheredBytes + bytes.length > GATHER_BYTES) {
      await this.#written()
      this.#writeGathered()
    }
    this.#gathered ??= this.#buffers.take()
    this.#gathered.set(bytes, this.#gatheredBytes)
    this.#gatheredBytes += bytes.length
  }

  /** Writes what is gathered; it may still be in the system's cache then. */
  async flush(): Promise<void> {
    await this.#written()
    if (this.#gatheredBytes === 0) return
    this.#writeGathered()
    await this.#written()
  }

  /** Resolves when nothing is being written: one write at a time keeps the file a prefix. */
  async #written(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #writeGathered(): void {
    const buffer = this.#gathered
    if (buffer === undefined) return
    const bytes = buffer.subarray(0, this.#gatheredBytes)
    this.#gathered = undefined
    this.#gatheredBytes = 0
    this.#writing = this.#write(bytes)
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#buffers.give(buffer)
        this.#writing = undefined
      })
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
    await this.#writing
    this.#failure = undefined
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
    this.#open = false
    await this.#writing
    this.#giveBack()
    await this.#handle.close()
    await rm(this.#path, { force: true })
  }

  /** Leaves the file to a later run. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    try {
      await this.flush()
    } finally {
      this.#giveBack()
      await this.#handle.close()
    }
  }

  #giveBack(): void {
    if (this.#gathered !== undefined) this.#buffers.give(this.#gathered)
    this.#gathered = undefined
    this.#gatheredBytes = 0
  }
}
