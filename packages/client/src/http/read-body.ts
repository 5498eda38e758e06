import { createGunzip } from 'node:zlib'
import { ProviderAnswerInvalidError, ProviderUnreachableError } from '../errors.ts'
import { connectionFault } from './connection-fault.ts'
import type { ProviderResponse } from './provider-http.ts'

/** Asks for the codings that {@link readJson} understands. */
export const JSON_ENCODINGS = 'gzip, identity'

/**
 * Reads the whole body of an answer as JSON.
 *
 * @param maxBytes - Longest body taken, decompressed.
 * @returns `undefined` when it is not JSON.
 * @throws {@link ProviderUnreachableError} when the body is cut;
 *   {@link ProviderAnswerInvalidError} when it is longer than `maxBytes`.
 */
export async function readJson(response: ProviderResponse, maxBytes: number): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of decoded(response)) {
      bytes += piece.length
      if (bytes > maxBytes) {
        throw new ProviderAnswerInvalidError(
          `The provider's answer is longer than ${maxBytes} bytes`,
        )
      }
      pieces.push(piece)
    }
  } catch (error) {
    if (isZlibError(error)) throw new ProviderUnreachableError('closed', response.url.origin)
    const fault = connectionFault(error)
    if (fault === undefined) throw error
    throw new ProviderUnreachableError(fault, response.url.origin)
  }
  try {
    return JSON.parse(Buffer.concat(pieces, bytes).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

async function* decoded({ body, headers }: ProviderResponse): AsyncGenerator<Uint8Array, void> {
  if (!/^(x-)?gzip$/i.test(headers['content-encoding']?.trim() ?? '')) {
    yield* body as AsyncIterable<Uint8Array>
    return
  }
  const gunzip = createGunzip({ chunkSize: 128 * 1024 })
  body.on('error', (error: Error) => gunzip.destroy(error))
  body.pipe(gunzip)
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } finally {
    body.destroy()
    gunzip.destroy()
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
