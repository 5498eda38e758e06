import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Answer } from './answer.ts'

/** What every answer carries: patient data is for no cache, and nothing is to be guessed at. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/**
 * Sends an answer on the socket. Resolves when it is sent, or when it cannot be sent: a stream that
 * breaks ends the connection, so that no client takes the beginning of a body for all of it, and a
 * client that goes away ends the stream.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    if (body instanceof Readable) body.destroy()
    return
  }
  const isStream = body instanceof Readable
  response.writeHead(status, {
    ...COMMON_HEADERS,
    ...headers,
    ...(!isStream && hasLength(status, headers) && { 'content-length': String(body?.length ?? 0) }),
  })
  if (!isStream) {
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  try {
    await pipeline(body, response)
  } catch {
    response.destroy()
  }
}

/** 204 and 304 have no body, and where a handler named a length (HEAD), it stands. */
function hasLength(status: number, headers: Answer['headers']): boolean {
  return status !== 204 && status !== 304 && headers['content-length'] === undefined
}

/** Sends an answer to what was not even a request, and closes the connection. */
export function sendRawAnswer(socket: Socket, { status, headers, body }: Answer): void {
  if (body instanceof Readable) throw new TypeError('A raw answer has bytes')
  const fields = {
    ...COMMON_HEADERS,
    ...headers,
    'content-length': String(body?.length ?? 0),
    connection: 'close',
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`)
  socket.end(body ?? '')
}
