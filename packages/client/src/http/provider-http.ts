import { type Dispatcher, request } from 'undici'
import { ProviderUnreachableError, RedirectRefusedError } from '../errors.ts'
import type { AccessTokenSource } from '../export-options.ts'
import { connectionFault } from './connection-fault.ts'

/** A request to the provider, or to a host that it named. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** `false` where the specification forbids the token (`requiresAccessToken: false`). */
  readonly withToken: boolean
  readonly signal: AbortSignal | undefined
}

/** An answer whose body has not been read. */
export interface ProviderResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Dispatcher.ResponseData['body']
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

/** What {@link ProviderHttp} needs. */
export interface ProviderHttpOptions {
  readonly dispatcher: Dispatcher
  /** The provider's FHIR base: its origin alone gets the token and `headers`. */
  readonly baseUrl: URL
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: AccessTokenSource | undefined
  readonly idleTimeoutMs: number
}

const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
// These two keep the method; after the others a client may turn POST or DELETE into GET.
const METHOD_KEEPING_REDIRECTS: ReadonlySet<number> = new Set([307, 308])

/**
 * Makes requests by the rules that hold for all of them: the token and the caller's headers stay
 * within the provider's origin, whatever a manifest or a redirect says; https never falls to http;
 * a token that is refused is renewed once.
 */
export class ProviderHttp {
  readonly #options: ProviderHttpOptions

  constructor(options: ProviderHttpOptions) {
    this.#options = options
  }

  /**
   * Sends a request and follows its redirects.
   *
   * @throws {@link ProviderUnreachableError} without an answer; {@link RedirectRefusedError}; the
   *   signal's reason.
   */
  async send(request: ProviderRequest): Promise<ProviderResponse> {
    const token = await this.#tokenFor(request, {})
    const response = await this.#follow(request, token)
    if (response.status !== 401 || token === undefined) return response

    const renewed = await this.#tokenFor(request, { rejectedToken: token })
    if (renewed === undefined || renewed === token) return response
    await discardBody(response)
    return this.#follow(request, renewed)
  }

  /** Whether a URL lies at the provider's origin. */
  isProvider(url: URL): boolean {
    return url.origin === this.#options.baseUrl.origin
  }

  async #tokenFor(
    { url, withToken }: ProviderRequest,
    reason: { readonly rejectedToken?: string },
  ): Promise<string | undefined> {
    if (!withToken || !this.isProvider(url)) return undefined
    return this.#options.accessToken?.(reason)
  }

  async #follow(request: ProviderRequest, token: string | undefined): Promise<ProviderResponse> {
    let url = request.url
    // A URL that leaves the provider does not get the token back by returning to it: whoever
    // answered in between chose the path.
    let trusted = this.isProvider(url)
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.#once(request, url, this.#credentials(trusted, token))
      if (!REDIRECTS.has(response.status)) return response
      await discardBody(response)
      url = redirectTarget(request, response)
      trusted &&= this.isProvider(url)
    }
    throw new RedirectRefusedError('too-many')
  }

  #credentials(trusted: boolean, token: string | undefined): Readonly<Record<string, string>> {
    if (!trusted) return {}
    const own = this.#options.headers
    return token === undefined ? own : { ...own, authorization: `Bearer ${token}` }
  }

  async #once(
    { method, headers, body, signal }: ProviderRequest,
    url: URL,
    credentials: Readonly<Record<string, string>>,
  ): Promise<ProviderResponse> {
    try {
      const response = await request(url, {
        dispatcher: this.#options.dispatcher,
        method,
        headers: { ...credentials, ...headers },
        body: body ?? null,
        signal: signal ?? null,
        headersTimeout: this.#options.idleTimeoutMs,
        bodyTimeout: this.#options.idleTimeoutMs,
      })
      // Without a listener an error between two reads would end the process.
      response.body.on('error', () => undefined)
      const { statusCode, headers: received } = response
      return { status: statusCode, headers: flatten(received), body: response.body, url }
    } catch (error) {
      signal?.throwIfAborted()
      const fault = connectionFault(error)
      if (fault === undefined) throw error
      throw new ProviderUnreachableError(fault, url.origin)
    }
  }
}

/** Ends an answer whose body nobody needs. */
export async function discardBody(response: ProviderResponse): Promise<void> {
  // Reads a little so that the connection can be used again, and gives up on anything longer.
  await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined)
}

function redirectTarget(request: ProviderRequest, response: ProviderResponse): URL {
  if (request.method !== 'GET' && !METHOD_KEEPING_REDIRECTS.has(response.status)) {
    throw new RedirectRefusedError('method-change')
  }
  const location = response.headers['location']
  if (location === undefined) throw new RedirectRefusedError('no-location')
  if (!URL.canParse(location, response.url.href)) throw new RedirectRefusedError('not-http')
  const target = new URL(location, response.url)
  if (!/^https?:$/.test(target.protocol)) throw new RedirectRefusedError('not-http')
  if (response.url.protocol === 'https:' && target.protocol === 'http:') {
    throw new RedirectRefusedError('insecure')
  }
  return target
}

function flatten(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}
