import type { FastifyRequest } from 'fastify'
import { RequestRefusedError } from './request-refused-error.ts'

/** Limits on the bytes of request bodies. */
export interface RequestBodyLimits {
  /** Largest body, in bytes. */
  readonly maxBodyBytes: number
  /** Largest sum of the bodies that are in memory at one time, in bytes. */
  readonly maxBufferedBytes: number
}

/**
 * Reads request bodies into memory, and keeps count: many large bodies at a time are refused rather
 * than exhausting the memory.
 */
export class RequestBodies {
  readonly #limits: RequestBodyLimits
  #bufferedBytes = 0

  constructor(limits: RequestBodyLimits) {
    this.#limits = limits
  }

  /**
   * Reads the body and hands it over; its bytes count as in memory until the promise settles.
   *
   * @throws RequestRefusedError with 413 for a body above `maxBytes` or the limit for all bodies, and
   *   with 503 while too many bodies are in memory.
   */
  async use<Result>(
    request: FastifyRequest,
    take: (body: Uint8Array) => Promise<Result>,
    maxBytes: number = this.#limits.maxBodyBytes,
  ): Promise<Result> {
    const limit = Math.min(maxBytes, this.#limits.maxBodyBytes)
    if (Number(request.headers['content-length'] ?? 0) > limit) throw bodyTooLarge(limit)
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      // Not destroyed on return, or the client would see a reset instead of the 413.
      for await (const chunk of request.raw.iterator({ destroyOnReturn: false })) {
        const piece = chunk as Buffer
        bytes += piece.length
        this.#bufferedBytes += piece.length
        if (bytes > limit) throw bodyTooLarge(limit)
        if (this.#bufferedBytes > this.#limits.maxBufferedBytes) throw bodiesBusy()
        chunks.push(piece)
      }
      return await take(joined(chunks, bytes))
    } finally {
      this.#bufferedBytes -= bytes
    }
  }
}

/** In memory of its own, so that the receiver may transfer it to another thread. */
function joined(chunks: readonly Buffer[], bytes: number): Uint8Array {
  const body = new Uint8Array(bytes)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}

function bodyTooLarge(limit: number): RequestRefusedError {
  return new RequestRefusedError({
    status: 413,
    issueType: 'too-long',
    diagnostics: `The body is larger than ${limit} bytes`,
    // What the client still sends is not worth receiving.
    headers: { connection: 'close' },
  })
}

function bodiesBusy(): RequestRefusedError {
  return new RequestRefusedError({
    status: 503,
    issueType: 'throttled',
    diagnostics: 'Too many large requests at a time: send this one again',
    headers: { 'retry-after': '1', connection: 'close' },
  })
}
