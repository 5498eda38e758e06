import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OutputFileKind } from '@flatfhir/protocol'
import type {
  ProviderScript,
  RecordedRequest,
  ScriptedAnswer,
  ScriptedFile,
  ScriptedManifest,
} from './provider-script.ts'
import { sendAnswer } from './send-answer.ts'
import { sendFile } from './send-file.ts'

/** A running provider. */
export interface MisbehavingProvider extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly origin: string
  /** FHIR base URL. */
  readonly url: string
  readonly statusUrl: string
  /** Everything that was asked so far, in order. */
  readonly requests: readonly RecordedRequest[]
  /** Requests for the file with this place in the script. */
  requestsForFile(index: number): readonly RecordedRequest[]
  /** Resolves when a request has arrived for which `matches` holds, also an earlier one. */
  requested(matches: (request: RecordedRequest) => boolean): Promise<void>
  close(): Promise<void>
}

/** `transactionTime` of every manifest. */
export const SCRIPTED_TRANSACTION_TIME = '2026-11-01T12:00:00.000Z'

/**
 * Starts a Data Provider on loopback that does what its script says, over real sockets, and
 * remembers what it was asked.
 */
export async function startMisbehavingProvider(
  script: ProviderScript = {},
): Promise<MisbehavingProvider> {
  const provider = new ScriptedProvider(script)
  await provider.listen()
  return provider
}

class ScriptedProvider implements MisbehavingProvider {
  readonly requests: RecordedRequest[] = []
  readonly #script: ProviderScript
  readonly #server: Server
  readonly #counts = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  /** While the job runs: pages that there are already. */
  #visiblePages: number | undefined
  origin = ''

  constructor(script: ProviderScript) {
    this.#script = script
    this.#server = createServer((request, response) => {
      void this.#receive(request, response)
    })
  }

  get url(): string {
    return `${this.origin}/fhir`
  }

  get statusUrl(): string {
    return `${this.origin}/status/1`
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = this.#server.address() as AddressInfo
    this.origin = `http://127.0.0.1:${port}`
  }

  requestsForFile(index: number): readonly RecordedRequest[] {
    return this.requests.filter(({ path }) => path === `/files/${index}`)
  }

  async requested(matches: (request: RecordedRequest) => boolean): Promise<void> {
    while (!this.requests.some(matches)) {
      await new Promise<void>((resolve) => {
        this.#listeners.add(resolve)
      })
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    this.#server.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = []
    try {
      for await (const piece of request as AsyncIterable<Uint8Array>) pieces.push(piece)
    } catch {
      return
    }
    const { method = '', url: path = '' } = request
    const headers = request.headers as RecordedRequest['headers']
    this.requests.push({ method, path, headers, body: Buffer.concat(pieces).toString('utf8') })
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
    this.#answer(request, response)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    const file = /^\/files\/(\d+)$/.exec(path)
    if (file !== null) {
      this.#answerFile({ request, response }, Number(file[1]))
      return
    }
    const content = this.#script.content?.[path.replace(/\?.*$/, '')]
    if (content !== undefined) {
      sendAnswer(response, content)
      return
    }
    if (path === '/fhir/metadata') {
      const { capabilities } = this.#script
      sendAnswer(response, { status: capabilities ? 200 : 404, body: capabilities })
      return
    }
    const { token } = this.#script
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      sendAnswer(response, { status: 401, headers: { 'www-authenticate': 'Bearer' } })
      return
    }
    const page = /^\/status\/1(?:\/pages\/(\d+))?$/.exec(path)
    if (page === null) sendAnswer(response, this.#kickOffAnswer(path))
    else if (request.method === 'DELETE') sendAnswer(response, this.#deleteAnswer())
    else sendAnswer(response, this.#statusAnswer(Number(page[1] ?? 0)))
  }

  #answerFile(
    exchange: { request: IncomingMessage; response: ServerResponse },
    index: number,
  ): void {
    const file = this.#script.files?.[index]
    if (file === undefined) {
      sendAnswer(exchange.response, { status: 404 })
      return
    }
    const scripted = file.requests?.[this.#count(`file ${index}`)]
    sendFile(exchange, file, { ...file.always, ...scripted })
  }

  #kickOffAnswer(path: string): ScriptedAnswer {
    if (!/^\/fhir\/(?:Patient\/|Group\/[^/]+\/)?\$export(?:-v4)?(?:\?|$)/.test(path))
      return { status: 404 }
    const accepted = { status: 202, headers: { 'content-location': this.statusUrl } }
    return this.#script.kickOff?.[this.#count('kick-off')] ?? accepted
  }

  #deleteAnswer(): ScriptedAnswer {
    return this.#script.delete?.[this.#count('delete')] ?? { status: 202 }
  }

  #statusAnswer(page: number): ScriptedAnswer {
    const scripted = page === 0 ? this.#script.status?.[this.#count('status')] : undefined
    if (scripted !== undefined) return scripted
    if (page === 0) this.#visiblePages = this.#script.partial?.[this.#count('partial')]
    if (page >= (this.#visiblePages ?? Infinity)) return { status: 404 }
    if (this.#visiblePages !== undefined) return { status: 202, body: this.#manifest(page) }
    const headers = this.#script.manifestHeaders ?? {}
    const manifest = this.#manifest(page)
    return { status: 200, headers, body: this.#script.manifest?.(manifest, page) ?? manifest }
  }

  #manifest(page: number): ScriptedManifest {
    const files = this.#script.files ?? []
    const perPage = this.#script.filesPerPage ?? Math.max(files.length, 1)
    const entries = files.map((file, index) => ({ file, index }))
    const shown = entries.slice(page * perPage, (page + 1) * perPage)
    const ofKind = (kind: OutputFileKind): readonly Readonly<Record<string, unknown>>[] =>
      shown
        .filter(({ file }) => (file.kind ?? 'output') === kind)
        .map(({ file, index }) => this.#entry(file, index))
    const shownFiles = Math.min(files.length, (this.#visiblePages ?? Infinity) * perPage)
    const last = (page + 1) * perPage >= shownFiles
    return {
      transactionTime: SCRIPTED_TRANSACTION_TIME,
      request: `${this.url}/$export`,
      requiresAccessToken: this.#script.token !== undefined,
      output: ofKind('output'),
      deleted: ofKind('deleted'),
      error: ofKind('outcome'),
      ...(last ? {} : { link: [{ relation: 'next', url: `${this.statusUrl}/pages/${page + 1}` }] }),
    }
  }

  #entry(file: ScriptedFile, index: number): Readonly<Record<string, unknown>> {
    const text = Buffer.from(file.content).toString('utf8')
    const count = text.split('\n').filter((line) => line.trim() !== '').length
    return { type: file.type, url: `${this.origin}/files/${index}`, count, ...file.entry }
  }

  /** How often this was called with the same name before. */
  #count(name: string): number {
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    return count
  }
}
