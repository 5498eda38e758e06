import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request on its way to the provider. */
export interface GateRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
}

/** What becomes of a request instead of being passed on. */
export type GateFault = 'pass' | 'not-found' | 'unavailable' | 'cut'

/**
 * A port in front of a provider that spoils requests on demand, as networks and expiring links do.
 * It stays where it is when the provider behind it changes.
 */
export class FaultyGate implements AsyncDisposable {
  /** Asked for each request, in order. */
  judge: (request: GateRequest) => GateFault = () => 'pass'
  /** Kick-off requests so far, with their queries. */
  readonly kickOffs: GateRequest[] = []
  targetPort = 0
  readonly #server: Server = createServer((request, response) => {
    this.#receive(request, response)
  })

  static async start(): Promise<FaultyGate> {
    const gate = new FaultyGate()
    await new Promise<void>((resolve) => gate.#server.listen(0, '127.0.0.1', resolve))
    return gate
  }

  /** FHIR base URL, as seen from this side. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/fhir`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers } = request
    if (path.includes('$export')) this.kickOffs.push({ method, path })
    const fault = this.judge({ method, path })
    if (fault === 'not-found' || fault === 'unavailable') {
      request.resume()
      response.writeHead(fault === 'not-found' ? 404 : 503)
      response.end()
      return
    }
    const target = { host: '127.0.0.1', port: this.targetPort, method, path, headers }
    const passed = forward(target, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (fault === 'cut') {
        answer.resume()
        response.flushHeaders()
        setImmediate(() => response.socket?.destroy())
      } else answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    passed.on('error', () => response.destroy())
    request.on('error', () => passed.destroy())
    request.pipe(passed)
  }
}
