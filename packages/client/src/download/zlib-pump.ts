import type { Transform } from 'node:stream'

/** Bytes follow the end of a compressed file. Named like an error of zlib, whose job it does. */
class TrailingDataError extends Error {
  readonly code = 'Z_DATA_ERROR'
}

/**
 * Pushes bytes through a zlib stream and hands the result to a function that may take its time.
 *
 * Unlike a pipe it goes on after the source broke off: a resumed download continues the same stream.
 */
export class ZlibPump {
  readonly #stream: Transform
  readonly #output: Promise<void>
  #ending = false
  #settled = false
  #failure: Error | undefined
  #interrupt: (() => void) | undefined

  constructor(stream: Transform, take: (chunk: Buffer) => Promise<void>) {
    this.#stream = stream
    this.#output = this.#drain(take)
  }

  /**
   * Resolves when the chunk has been used and may be changed.
   *
   * @throws what `take` threw, or zlib.
   */
  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#settled) {
      await new Promise<void>((resolve) => {
        // zlib never calls back for a chunk behind the end of the compressed data, and with an
        // error of its own making when `take` has failed: the drain tells the true reason of both.
        this.#interrupt = resolve
        this.#stream.write(chunk, (error) => {
          if (!error) resolve()
        })
      })
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when everything has been taken. */
  async end(): Promise<void> {
    this.#ending = true
    this.#stream.end()
    await this.#output
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Gives up what is inside. */
  async close(): Promise<void> {
    this.#stream.destroy()
    await this.#output
  }

  async #drain(take: (chunk: Buffer) => Promise<void>): Promise<void> {
    try {
      for await (const chunk of this.#stream as AsyncIterable<Buffer>) await take(chunk)
      if (!this.#ending) this.#failure = new TrailingDataError('Data behind the end')
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error('zlib failed')
    }
    this.#settled = true
    this.#interrupt?.()
  }
}
