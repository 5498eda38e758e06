import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { RecyclingFileStream } from '../recycling-file-stream.ts'
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
  { answer, stallMs }: { answer: Answer; stallMs: number },
): Promise<void> {
  const { status, headers, body, onSent } = answer
  if (response.headersSent || response.destroyed) {
    response.destroy()
    if (body instanceof Readable) body.destroy()
    onSent?.(0)
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
  const watch = cutOffWhenStalled(response, stallMs)
  response.once('close', () => {
    clearInterval(watch)
    body.destroy()
  })
  const progress = { sentBytes: 0 }
  try {
    await sendStream(response, body, progress)
    // To end the answer here would let the client wait for the rest on a connection that stays open.
    if (progress.sentBytes !== Number(headers['content-length'])) response.destroy()
    else response.end()
  } catch {
    response.destroy()
  } finally {
    onSent?.(progress.sentBytes)
  }
}

/** One chunk at a time: the source reads the next one while the last is being taken. */
async function sendStream(
  response: ServerResponse,
  body: Readable,
  progress: { sentBytes: number },
): Promise<void> {
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    await written(response, chunk)
    progress.sentBytes += chunk.length
    if (body instanceof RecyclingFileStream) body.recycle(chunk)
  }
}

function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}

/**
 * Ends the connection of a client that takes nothing for so long. The timeout of Node's sockets would
 * do the same, and take a tenth of the throughput.
 */
function cutOffWhenStalled({ socket }: ServerResponse, stallMs: number): NodeJS.Timeout {
  let seenBytes = -1
  return setInterval(() => {
    const takenBytes = socket === null ? seenBytes : socket.bytesWritten - socket.writableLength
    if (takenBytes === seenBytes) socket?.destroy()
    seenBytes = takenBytes
  }, stallMs)
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
