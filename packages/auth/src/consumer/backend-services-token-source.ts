import { randomUUID } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { systemClock, type Clock } from '../clock.ts'
import { parseProtectedUrl } from '../protected-url.ts'
import { LoginSettingInvalidError } from './errors.ts'
import {
  requestToken,
  type ClientCredential,
  type ReceivedToken,
  type TokenRequestSettings,
} from './request-token.ts'

/** Where access tokens come from; what a client needs of a login. */
export interface TokenSource {
  /** A token that is good for a while yet. */
  getToken(signal?: AbortSignal): Promise<string>
  /**
   * Says that a provider answered 401 to a token. Only that very token is forgotten, so that many
   * requests that fail together ask for one new token, not for one each.
   */
  invalidate(token: string): void
}

/** How {@link BackendServicesTokenSource} logs in. */
export interface BackendServicesOptions {
  /** https, or http on this machine. */
  readonly tokenUrl: string
  readonly clientId: string
  readonly credential: ClientCredential
  /** From `scopesFor`; absent for servers without scopes. */
  readonly scope?: string
  readonly dispatcher?: Dispatcher
  /** @defaultValue the machine's clock */
  readonly clock?: Clock
  /**
   * In [0, 1), for the jitter of retries.
   *
   * @defaultValue Math.random
   */
  readonly random?: () => number
  /**
   * Never the same twice, for `jti`.
   *
   * @defaultValue a version 4 UUID of node:crypto
   */
  readonly randomId?: () => string
  /**
   * For one request.
   *
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
  /**
   * Requests for one token, when the endpoint is busy, failing or out of reach.
   *
   * @defaultValue 5
   */
  readonly maxAttempts?: number
  /**
   * Longest `Retry-After` that is waited for.
   *
   * @defaultValue 300
   */
  readonly maxRetryAfterSeconds?: number
}

interface Flight {
  readonly promise: Promise<ReceivedToken>
  readonly controller: AbortController
  waiting: number
}

/** A token is renewed so long before it expires, or at a tenth of its life where that is less. */
const LONGEST_MARGIN_MS = 30_000

/**
 * Access tokens by SMART Backend Services, or by client secret where a provider has only that.
 *
 * A token is kept until shortly before it expires. However many callers wait, one request is under
 * way; it is given up when none of them waits any more. When renewal fails for a reason that may
 * pass while the old token is still good, the old one is given out.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html | SMART Backend Services}
 */
export class BackendServicesTokenSource implements TokenSource {
  readonly #settings: TokenRequestSettings
  #token: ReceivedToken | undefined
  #flight: Flight | undefined

  /** @throws `LoginSettingInvalidError` */
  constructor(options: BackendServicesOptions) {
    const { tokenUrl, clientId, credential } = options
    if (parseProtectedUrl(tokenUrl) === undefined) throw new LoginSettingInvalidError('token-url')
    if (!/^[\x20-\x7e]+$/.test(clientId)) throw new LoginSettingInvalidError('client-id')
    const jku = credential.kind === 'private-key' ? credential.jku : undefined
    if (jku !== undefined && parseProtectedUrl(jku) === undefined) {
      throw new LoginSettingInvalidError('jku')
    }
    this.#settings = {
      tokenUrl,
      clientId,
      credential,
      scope: options.scope,
      dispatcher: options.dispatcher,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      randomId: options.randomId ?? randomUUID,
      timeoutMs: options.timeoutMs ?? 30_000,
      maxAttempts: options.maxAttempts ?? 5,
      maxRetryAfterSeconds: options.maxRetryAfterSeconds ?? 300,
    }
  }

  /** What the provider granted with the present token, when there is one and it said so. */
  get grantedScope(): string | undefined {
    return this.#token?.scope
  }

  /**
   * @throws `TokenRefusedError`, `TokenEndpointUnreachableError`, `TokenAnswerInvalidError`, or the
   *   signal's reason.
   */
  async getToken(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const current = this.#token
    const nowMs = this.#settings.clock.now().getTime()
    if (current !== undefined && nowMs < renewAtMs(current)) return current.accessToken
    try {
      return (await this.#join(signal)).accessToken
    } catch (error) {
      if (current !== undefined && this.#mayStillUse(current, error)) return current.accessToken
      throw error
    }
  }

  invalidate(token: string): void {
    if (this.#token?.accessToken === token) this.#token = undefined
  }

  #mayStillUse(token: ReceivedToken, error: unknown): boolean {
    if (this.#token !== token || this.#settings.clock.now().getTime() >= token.expiresAtMs) {
      return false
    }
    return error instanceof Error && 'retryable' in error && error.retryable === true
  }

  async #join(signal: AbortSignal | undefined): Promise<ReceivedToken> {
    const flight = (this.#flight ??= this.#start())
    flight.waiting += 1
    try {
      return await untilAborted(flight.promise, signal)
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        if (this.#flight === flight) this.#flight = undefined
        flight.controller.abort()
      }
    }
  }

  #start(): Flight {
    const controller = new AbortController()
    const promise = requestToken(this.#settings, controller.signal).then((token) => {
      this.#token = token
      return token
    })
    // Those who wait hear of it; when nobody does any more, nobody has to.
    promise.catch(() => undefined)
    return { promise, controller, waiting: 0 }
  }
}

function renewAtMs({ expiresAtMs, lifetimeMs }: ReceivedToken): number {
  return expiresAtMs - Math.min(LONGEST_MARGIN_MS, lifetimeMs / 10)
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const fail = (): void => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', fail, { once: true })
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', fail)
    })
  })
}
