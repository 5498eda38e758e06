import type { Readable } from 'node:stream'
import { errors } from 'undici'

const MAX_QUEUED_BYTES = 256 * 1024

/**
 * The chunks of a body as they arrive, all of them, also when the connection breaks.
 *
 * Iterating over the stream itself loses what it has buffered when it fails; here the error comes
 * after the last byte that arrived, so that a cut download can go on from there. To be made as soon
 * as there is an answer. A slow consumer stops the reading: at most 256 KiB are queued.
 */
export class ArrivingChunks implements AsyncIterable<Uint8Array> {
  readonly #body: Readable
  readonly #chunks: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(body: Readable) {
    this.#body = body
    body.on('error', (error: Error) => {
      this.#end(error)
    })
    body.on('end', () => {
      this.#end()
    })
    body.on('close', () => {
      this.#closed()
    })
    body.on('data', (chunk: Uint8Array) => {
      this.#take(chunk)
    })
    // What has been destroyed already says nothing any more.
    if (body.destroyed) this.#closed()
  }

  /** @throws the stream's error. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        yield chunk
      }
    } finally {
      this.close()
    }
  }

  /** Gives up the rest. */
  close(): void {
    this.#body.destroy()
  }

  async #next(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const chunk = this.#chunks.shift()
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure
      return undefined
    }
    this.#queuedBytes -= chunk.length
    if (this.#body.isPaused() && this.#queuedBytes < MAX_QUEUED_BYTES / 2) this.#body.resume()
    return chunk
  }

  #take(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#queuedBytes += chunk.length
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.#body.pause()
    this.#wake?.()
  }

  #closed(): void {
    if (!this.#ended) this.#end(this.#body.errored ?? new errors.SocketError('closed'))
  }

  #end(failure?: Error): void {
    this.#failure ??= failure
    this.#ended = true
    this.#wake?.()
  }
}
