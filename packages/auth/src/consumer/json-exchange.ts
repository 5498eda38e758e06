import { request, type Dispatcher } from 'undici'

/** One request whose answer is JSON. */
export interface JsonRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest answer read, in bytes. */
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly dispatcher: Dispatcher | undefined
  readonly signal: AbortSignal | undefined
}

/** What came back; redirects are answers like others. */
export type JsonExchange =
  | {
      readonly ok: true
      readonly status: number
      readonly retryAfter: string | undefined
      /** `undefined` when the body is not JSON, or too long. */
      readonly json: unknown
    }
  | { readonly ok: false; readonly reason: string }

/**
 * Sends a request and reads the answer as JSON.
 *
 * @throws the reason of the caller's signal; everything that the network does wrong is a result.
 */
export async function exchangeJson(message: JsonRequest): Promise<JsonExchange> {
  const timeout = AbortSignal.timeout(message.timeoutMs)
  const signals = message.signal === undefined ? [timeout] : [timeout, message.signal]
  try {
    const { statusCode, headers, body } = await request(message.url, {
      method: message.method,
      headers: { 'accept-encoding': 'identity', ...message.headers },
      signal: AbortSignal.any(signals),
      ...(message.body === undefined ? {} : { body: message.body }),
      ...(message.dispatcher === undefined ? {} : { dispatcher: message.dispatcher }),
    })
    const json = await readJson(body, message.maxBytes)
    const header = headers['retry-after']
    const retryAfter = typeof header === 'string' ? header : header?.[0]
    return { ok: true, status: statusCode, retryAfter, json }
  } catch (error) {
    message.signal?.throwIfAborted()
    return { ok: false, reason: timeout.aborted ? 'timeout' : reasonOf(error) }
  }
}

async function readJson(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > maxBytes) return undefined
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces, bytes).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** Names of failures only: messages may quote what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause instanceof Error ? reasonOf(error.cause) : error.name
}
