import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

export interface Sent {
  readonly method?: string
  /** Sent as it is. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | undefined
}

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders & Record<string, string | undefined>
  readonly body: Buffer
  readonly json: () => Record<string, unknown>
}

/** One request on a connection of its own, without any cleverness of a client. */
export async function send(port: number, sent: Sent): Promise<Received> {
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method: sent.method ?? 'GET',
        path: sent.path ?? '/',
        headers: { ...sent.headers, ...lengthOf(sent.body) },
        agent: false,
        timeout: 20_000,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const body = Buffer.concat(chunks)
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers as Received['headers'],
            body,
            json: () => JSON.parse(body.toString()) as Record<string, unknown>,
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.on('timeout', () => {
      outgoing.destroy(new Error('No answer in 20 seconds'))
    })
    outgoing.end(sent.body)
  })
}

function lengthOf(body: Sent['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}

/** Bytes on a socket; what comes back until the server closes or `enough` says so. */
export async function sendBytes(
  port: number,
  bytes: string,
  enough: (received: string) => boolean = hasWholeAnswer,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('No answer in 20 seconds'))
    }, 20_000)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (enough(received)) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(received)
    })
    socket.write(bytes)
  })
}

function hasWholeAnswer(received: string): boolean {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return false
  const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
  return received.length >= headEnd + 4 + length
}
