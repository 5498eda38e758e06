import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OutputFileKind } from '@flatfhir/protocol'
import type {
  ProviderScript,
  RecordedRequest,
  ScriptedAnswer,
  ScriptedExport,
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

const KICK_OFF = /^\/fhir\/(?:Patient\/|Group\/[^/]+\/)?\$export(?:-v4)?(?:\?|$)/

/** A request and the answer to it. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

class ScriptedProvider implements MisbehavingProvider {
  readonly requests: RecordedRequest[] = []
  readonly #script: ProviderScript
  readonly #server: Server
  readonly #counts = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  /** Of accepted kick-offs, where the script tells exports apart. */
  readonly #exports: ScriptedExport[] = []
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
    const recorded = { method, path, headers, body: Buffer.concat(pieces).toString('utf8') }
    this.requests.push(recorded)
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
    this.#answer({ request, response }, recorded)
  }

  #answer({ request, response }: Exchange, recorded: RecordedRequest): void {
    const { path } = recorded
    const file = /^(?:\/exports\/(\d+))?\/files\/(\d+)$/.exec(path)
    if (file !== null) {
      this.#answerFile(
        { request, response },
        { number: Number(file[1] ?? 1), index: Number(file[2]) },
      )
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
    const status = /^\/status\/(\d+)(?:\/pages\/(\d+))?$/.exec(path)
    if (status === null) sendAnswer(response, this.#kickOffAnswer(recorded))
    else if (request.method === 'DELETE') sendAnswer(response, this.#deleteAnswer())
    else sendAnswer(response, this.#statusAnswer(Number(status[1]), Number(status[2] ?? 0)))
  }

  /** What an export comes to; the first one is that of the script where it tells none apart. */
  #exportOf(number: number): ScriptedExport {
    const { files, manifest } = this.#script
    return { ...(files && { files }), ...(manifest && { manifest }), ...this.#exports[number - 1] }
  }

  #answerFile(
    exchange: Exchange,
    { number, index }: { readonly number: number; readonly index: number },
  ): void {
    const file = this.#exportOf(number).files?.[index]
    if (file === undefined) {
      sendAnswer(exchange.response, { status: 404 })
      return
    }
    const scripted = file.requests?.[this.#count(`file ${number} ${index}`)]
    sendFile(exchange, file, { ...file.always, ...scripted })
  }

  #kickOffAnswer(recorded: RecordedRequest): ScriptedAnswer {
    if (!KICK_OFF.test(recorded.path)) return { status: 404 }
    const scripted = this.#script.kickOff?.[this.#count('kick-off')]
    if (scripted !== undefined) return scripted
    const number = this.#exports.length + 1
    const begun = this.#script.export?.(recorded, number - 1)
    if (begun !== undefined && 'status' in begun) return begun
    if (begun !== undefined) this.#exports.push(begun)
    const statusUrl = begun === undefined ? this.statusUrl : `${this.origin}/status/${number}`
    return { status: 202, headers: { 'content-location': statusUrl } }
  }

  #deleteAnswer(): ScriptedAnswer {
    return this.#script.delete?.[this.#count('delete')] ?? { status: 202 }
  }

  #statusAnswer(number: number, page: number): ScriptedAnswer {
    if (number > Math.max(1, this.#exports.length)) return { status: 404 }
    const scripted = page === 0 ? this.#script.status?.[this.#count('status')] : undefined
    if (scripted !== undefined) return scripted
    if (page === 0) this.#visiblePages = this.#script.partial?.[this.#count('partial')]
    if (page >= (this.#visiblePages ?? Infinity)) return { status: 404 }
    const manifest = this.#manifest(number, page)
    if (this.#visiblePages !== undefined) return { status: 202, body: manifest }
    const headers = this.#script.manifestHeaders ?? {}
    const changed = this.#exportOf(number).manifest?.(manifest, page)
    return { status: 200, headers, body: changed ?? manifest }
  }

  #manifest(number: number, page: number): ScriptedManifest {
    const { files = [], transactionTime = SCRIPTED_TRANSACTION_TIME } = this.#exportOf(number)
    const perPage = this.#script.filesPerPage ?? Math.max(files.length, 1)
    const entries = files.map((file, index) => ({ file, index }))
    const shown = entries.slice(page * perPage, (page + 1) * perPage)
    const folder = number === 1 ? '/files' : `/exports/${number}/files`
    const ofKind = (kind: OutputFileKind): readonly Readonly<Record<string, unknown>>[] =>
      shown
        .filter(({ file }) => (file.kind ?? 'output') === kind)
        .map(({ file, index }) => entryOf(file, `${this.origin}${folder}/${index}`))
    const shownFiles = Math.min(files.length, (this.#visiblePages ?? Infinity) * perPage)
    const next = `${this.origin}/status/${number}/pages/${page + 1}`
    return {
      transactionTime,
      request: `${this.url}/$export`,
      requiresAccessToken: this.#script.token !== undefined,
      output: ofKind('output'),
      deleted: ofKind('deleted'),
      error: ofKind('outcome'),
      ...((page + 1) * perPage < shownFiles && { link: [{ relation: 'next', url: next }] }),
    }
  }

  /** How often this was called with the same name before. */
  #count(name: string): number {
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    return count
  }
}

function entryOf(file: ScriptedFile, url: string): Readonly<Record<string, unknown>> {
  const text = Buffer.from(file.content).toString('utf8')
  const count = text.split('\n').filter((line) => line.trim() !== '').length
  return { type: file.type, url, count, ...file.entry }
}
