import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What a test server was asked. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void

/** A real HTTP server on a free loopback port. */
export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly origin: string
  readonly requests: readonly ReceivedRequest[]
  answer: Handler
}

export async function startServer(answer: Handler): Promise<TestServer> {
  const requests: ReceivedRequest[] = []
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      const { method = '', url: path = '', headers } = incoming
      const request = { method, path, headers, body }
      requests.push(request)
      started.answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const started: TestServer = {
    port,
    origin: `http://127.0.0.1:${port}`,
    requests,
    answer,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
  return started
}

/** Answers with JSON. */
export function json(value: unknown, headers: Record<string, string> = {}, status = 200): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(value))
  }
}
