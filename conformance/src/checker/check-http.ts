import { type Dispatcher, getGlobalDispatcher, request } from 'undici'
import type { CheckLimits, CheckTokenSource } from './check-options.ts'
import { NoAnswerError, SkipCheck } from './errors.ts'

/** One request of a check. */
export interface CheckRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /**
   * - `own`: the caller's token, at the server's own origin only.
   * - `none`: no token.
   * - a text: this one, whatever it is worth; at the server's own origin only.
   *
   * @defaultValue `'own'`
   */
  readonly token?: 'own' | 'none' | { readonly bearer: string }
  /** Goes on after the run was stopped, for deleting what it has started. */
  readonly signal?: AbortSignal
}

/** An answer whose body has not been read. */
export interface CheckResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Dispatcher.ResponseData['body']
}

/** An answer with its body. */
export interface CheckAnswer extends Omit<CheckResponse, 'body'> {
  readonly bytes: Uint8Array
  /** The body as JSON; `undefined` when it is none, or too long. */
  readonly json: unknown
}

interface CheckHttpOptions {
  readonly baseUrl: URL
  readonly accessToken: CheckTokenSource | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly dispatcher: Dispatcher | undefined
  readonly limits: CheckLimits
  readonly signal: AbortSignal
}

const MAX_DOCUMENT_BYTES = 16 * 2 ** 20
const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Makes requests within the limits of a run. The caller's token goes to the server's origin only,
 * and never along a redirect.
 */
export class CheckHttp {
  readonly #options: CheckHttpOptions
  #requests = 0
  #bytes = 0

  constructor(options: CheckHttpOptions) {
    this.#options = options
  }

  get requests(): number {
    return this.#requests
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether the run has tokens to send. */
  get hasToken(): boolean {
    return this.#options.accessToken !== undefined
  }

  /** @throws SkipCheck when so many bytes are more than the run may read. */
  countBytes(bytes: number): void {
    this.#bytes += bytes
    const { totalBytes } = this.#options.limits
    if (this.#bytes > totalBytes) {
      throw new SkipCheck(`The run has read the ${totalBytes} bytes that it may read`)
    }
  }

  /** Sends a request and reads its answer, which must not be long. */
  async ask(sent: CheckRequest): Promise<CheckAnswer> {
    const { status, headers, body } = await this.open(sent)
    const bytes = await this.#readDocument(body)
    return { status, headers, bytes, json: parseJson(bytes) }
  }

  /** Sends a request, with another token when the first one has just expired. */
  async open(sent: CheckRequest): Promise<CheckResponse> {
    const token = await this.#tokenFor(sent, {})
    const response = await this.#once(sent, token)
    if (response.status !== 401 || token === undefined) return response
    if ((sent.token ?? 'own') !== 'own') return response
    const renewed = await this.#tokenFor(sent, { rejectedToken: token })
    if (renewed === undefined || renewed === token) return response
    await discard(response)
    return await this.#once(sent, renewed)
  }

  /** As `open`, by GET, and follows redirects, without the token once they leave the server. */
  async openFollowing(sent: CheckRequest): Promise<CheckResponse> {
    let { url, token = 'own' } = sent
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.open({ ...sent, url, token })
      const { location } = response.headers
      if (!REDIRECTS.has(response.status) || location === undefined) return response
      if (redirects === MAX_REDIRECTS || !URL.canParse(location, url.href)) return response
      await discard(response)
      url = new URL(location, url)
      if (!this.isProvider(url)) token = 'none'
    }
  }

  /** Whether a URL lies at the server's origin. */
  isProvider(url: URL): boolean {
    return url.origin === this.#options.baseUrl.origin
  }

  async #tokenFor(
    { url, token = 'own' }: CheckRequest,
    reason: { readonly rejectedToken?: string },
  ): Promise<string | undefined> {
    if (token === 'none' || !this.isProvider(url)) return undefined
    if (token === 'own') return await this.#options.accessToken?.(reason)
    return token.bearer
  }

  async #once(sent: CheckRequest, token: string | undefined): Promise<CheckResponse> {
    const { method = 'GET', url, headers = {}, body } = sent
    const { dispatcher, limits, signal: runSignal } = this.#options
    const signal = sent.signal ?? runSignal
    signal.throwIfAborted()
    this.#requests += 1
    try {
      const response = await request(url, {
        dispatcher: dispatcher ?? getGlobalDispatcher(),
        method,
        headers: {
          ...(this.isProvider(url) && this.#options.headers),
          ...headers,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: body ?? null,
        signal,
        headersTimeout: limits.requestMs,
        bodyTimeout: limits.requestMs,
      })
      // Without a listener an error between two reads would end the process.
      response.body.on('error', () => undefined)
      return {
        status: response.statusCode,
        headers: flatten(response.headers),
        body: response.body,
      }
    } catch (error) {
      signal.throwIfAborted()
      throw new NoAnswerError(faultOf(error))
    }
  }

  async #readDocument(body: Dispatcher.ResponseData['body']): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    let length = 0
    try {
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        length += piece.length
        this.countBytes(piece.length)
        if (length > MAX_DOCUMENT_BYTES) break
        pieces.push(piece)
      }
    } catch (error) {
      if (error instanceof SkipCheck) throw error
      this.#options.signal.throwIfAborted()
      throw new NoAnswerError(faultOf(error))
    }
    return Buffer.concat(pieces)
  }
}

/** Ends an answer whose body nobody needs. */
export async function discard(response: CheckResponse): Promise<void> {
  await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined)
}

/** The kind of failure; messages of the network code may quote what the other side sent. */
export function faultOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) ? code : 'the connection broke'
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

function flatten(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' || value === undefined ? value : value.join(', '),
    ]),
  )
}
