import { parseRetryAfter } from '@flatfhir/protocol'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { isObject } from '../jwks/public-jwks.ts'
import type { PrivateKey } from '../keys/private-key.ts'
import { createClientAssertion } from './client-assertion.ts'
import {
  TokenAnswerInvalidError,
  tokenErrorCode,
  TokenEndpointUnreachableError,
  TokenRefusedError,
} from './errors.ts'
import { exchangeJson, type JsonExchange } from './json-exchange.ts'

/** How a client proves who it is. */
export type ClientCredential =
  | {
      readonly kind: 'private-key'
      readonly key: PrivateKey
      /** The registered JWKS URL, for providers that want it in the assertion. */
      readonly jku?: string
    }
  | {
      /** For the providers that have nothing better, BCDA for one. */
      readonly kind: 'client-secret'
      readonly secret: string
    }

/** A token request, with all settings filled in. */
export interface TokenRequestSettings {
  readonly tokenUrl: string
  readonly clientId: string
  readonly credential: ClientCredential
  readonly scope: string | undefined
  readonly dispatcher: Dispatcher | undefined
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly randomId: () => string
  readonly timeoutMs: number
  readonly maxAttempts: number
  readonly maxRetryAfterSeconds: number
}

/** A token as it was received. */
export interface ReceivedToken {
  readonly accessToken: string
  readonly expiresAtMs: number
  readonly lifetimeMs: number
  /** What was granted, when the provider said so. */
  readonly scope: string | undefined
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const MAX_ANSWER_BYTES = 64 * 1024
/** For answers without `expires_in`: what SMART recommends. */
const DEFAULT_LIFETIME_SECONDS = 300
const LONGEST_LIFETIME_SECONDS = 24 * 60 * 60
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** What may stand in an `Authorization` header (RFC 6750 section 2.1), and so nothing with a line end. */
const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/**
 * Asks for a token until there is an answer that waiting will not change.
 *
 * @throws `TokenRefusedError`, `TokenEndpointUnreachableError`, `TokenAnswerInvalidError`, or the
 *   signal's reason.
 */
export async function requestToken(
  settings: TokenRequestSettings,
  signal: AbortSignal,
): Promise<ReceivedToken> {
  for (let attempt = 1; ; attempt += 1) {
    const askedAtMs = settings.clock.now().getTime()
    const exchange = await send(settings, signal)
    if (exchange.ok && exchange.status === 200) return receivedToken(exchange.json, askedAtMs)
    const isLasting = exchange.ok && exchange.status !== 429 && exchange.status < 500
    if (isLasting || attempt >= settings.maxAttempts) throw failure(exchange, settings)
    await settings.clock.wait(waitMs(exchange, attempt, settings), signal)
  }
}

async function send(settings: TokenRequestSettings, signal: AbortSignal): Promise<JsonExchange> {
  const { tokenUrl, clientId, credential, scope, clock, randomId } = settings
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (scope !== undefined) form.set('scope', scope)
  if (credential.kind === 'client-secret') {
    headers['authorization'] = basic(clientId, credential.secret)
  } else {
    const { key, jku } = credential
    // A new one each time: the provider may have used up the last one before it failed.
    const assertion = { clientId, tokenUrl, key, jku, now: clock.now(), jti: randomId() }
    form.set('client_assertion_type', ASSERTION_TYPE)
    form.set('client_assertion', await createClientAssertion(assertion))
  }
  return exchangeJson({
    url: new URL(tokenUrl),
    method: 'POST',
    headers,
    body: form.toString(),
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: settings.timeoutMs,
    dispatcher: settings.dispatcher,
    signal,
  })
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function basic(clientId: string, secret: string): string {
  const [id, password] = [clientId, secret].map((text) => {
    return new URLSearchParams({ '': text }).toString().slice(1)
  })
  return `Basic ${Buffer.from(`${id ?? ''}:${password ?? ''}`).toString('base64')}`
}

function receivedToken(json: unknown, askedAtMs: number): ReceivedToken {
  if (!isObject(json)) throw new TokenAnswerInvalidError()
  const { access_token: accessToken, token_type: type, expires_in: seconds, scope } = json
  const isBearer = typeof type === 'string' && type.toLowerCase() === 'bearer'
  if (!isBearer || typeof accessToken !== 'string' || !BEARER_TOKEN.test(accessToken)) {
    throw new TokenAnswerInvalidError()
  }
  const lifetimeMs = lifetimeSeconds(seconds) * 1000
  return {
    accessToken,
    lifetimeMs,
    expiresAtMs: askedAtMs + lifetimeMs,
    scope: typeof scope === 'string' ? scope : undefined,
  }
}

/** Some servers send the number as a text. */
function lifetimeSeconds(value: unknown): number {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0)) return DEFAULT_LIFETIME_SECONDS
  return Math.min(seconds, LONGEST_LIFETIME_SECONDS)
}

function waitMs(exchange: JsonExchange, attempt: number, settings: TokenRequestSettings): number {
  const asked = exchange.ok ? parseRetryAfter(exchange.retryAfter, settings.clock.now()) : undefined
  if (asked !== undefined) {
    return Math.max(FIRST_WAIT_MS, Math.min(asked, settings.maxRetryAfterSeconds) * 1000)
  }
  const step = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS)
  return Math.round(step * (0.5 + settings.random() / 2))
}

function failure(exchange: JsonExchange, { tokenUrl }: TokenRequestSettings): Error {
  if (!exchange.ok) {
    return new TokenEndpointUnreachableError(new URL(tokenUrl).origin, exchange.reason)
  }
  const error = isObject(exchange.json) ? exchange.json['error'] : undefined
  return new TokenRefusedError(exchange.status, tokenErrorCode(error))
}
