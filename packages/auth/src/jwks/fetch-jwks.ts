import type { LookupAddress } from 'node:dns'
import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Agent, request, type Dispatcher } from 'undici'
import { isLoopbackHost, parseProtectedUrl } from '../protected-url.ts'
import { classifyAddress } from './address-class.ts'
import { cacheLifetimeSeconds } from './cache-lifetime.ts'
import { JwksUnavailableError } from './jwks-unavailable-error.ts'
import { parsePublicJwks, type PublicJwks } from './public-jwks.ts'

/** Resolves a host name to all of its addresses. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>

/** How a JWK Set is fetched. */
export interface FetchJwksOptions {
  readonly now: () => Date
  /** @defaultValue the machine's resolver */
  readonly lookup?: Lookup
  /**
   * Lets a URL whose host is this machine be used, over http too; for development.
   *
   * @defaultValue false
   */
  readonly allowLoopback?: boolean
  /**
   * Lets a URL lead into private networks; link-local addresses stay refused.
   *
   * @defaultValue false
   */
  readonly allowPrivateNetworks?: boolean
  /**
   * For all of it: resolving, connecting, answering.
   *
   * @defaultValue 5000
   */
  readonly timeoutMs?: number
  /** @defaultValue 262144 */
  readonly maxBytes?: number
}

/** A JWK Set and how long it may be kept. */
export interface FetchedJwks {
  readonly jwks: PublicJwks
  readonly lifetimeSeconds: number
}

const DEFAULT_TIMEOUT_MS = 5000
const DEFAULT_MAX_BYTES = 256 * 1024

/**
 * Fetches a JWK Set from a URL that somebody else chose.
 *
 * The host is resolved once, every address of it is checked, and the connection goes to those
 * addresses alone: a name that resolves to something else a moment later gains nothing. Redirects
 * are not followed.
 *
 * @throws {@link JwksUnavailableError}; `JwksInvalidError` when what comes is no JWK Set, or holds a
 *   key that is not public.
 */
export async function fetchJwks(url: string, options: FetchJwksOptions): Promise<FetchedJwks> {
  const target = parseProtectedUrl(url)
  if (target === undefined) throw new JwksUnavailableError('url-refused')
  const signal = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  try {
    const addresses = await withSignal(checkedAddresses(target, options), signal)
    await using agent = agentFor(addresses)
    return await readJwks(await get(target, agent, signal), options)
  } catch (error) {
    if (signal.aborted) throw new JwksUnavailableError('too-slow')
    throw error
  }
}

async function checkedAddresses(
  url: URL,
  options: FetchJwksOptions,
): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(url.hostname.replace(/^\[|\]$/g, ''), options.lookup)
  const isLoopback = isLoopbackHost(url.hostname)
  if (isLoopback && options.allowLoopback !== true)
    throw new JwksUnavailableError('address-refused')
  for (const { address } of addresses) {
    const kind = classifyAddress(address)
    const allowed = isLoopback
      ? kind === 'loopback'
      : kind === 'public' || (kind === 'private' && options.allowPrivateNetworks === true)
    // One bad address condemns the name: the connection could go to any of them.
    if (!allowed) throw new JwksUnavailableError('address-refused')
  }
  return addresses
}

async function resolve(
  hostname: string,
  lookup: Lookup = systemLookup,
): Promise<readonly LookupAddress[]> {
  const family = isIP(hostname)
  if (family !== 0) return [{ address: hostname, family }]
  try {
    const addresses = await lookup(hostname)
    if (addresses.length > 0) return addresses
  } catch {
    // The resolver's message names the host, which the caller knows; the fault says the rest.
  }
  throw new JwksUnavailableError('unknown-host')
}

const systemLookup: Lookup = (hostname) => dnsLookup(hostname, { all: true })

function agentFor(addresses: readonly LookupAddress[]): Agent & AsyncDisposable {
  const agent = new Agent({
    connect: {
      lookup: (_hostname, { all }, callback) => {
        const [first] = addresses
        if (all === true) callback(null, [...addresses])
        else callback(null, first?.address ?? '', first?.family)
      },
    },
    pipelining: 0,
  })
  return Object.assign(agent, {
    // Destroyed, not closed: a server that never ends its answer must not hold this up.
    [Symbol.asyncDispose]: () => agent.destroy(),
  })
}

async function get(
  url: URL,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, {
      dispatcher,
      signal,
      headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    })
  } catch {
    throw new JwksUnavailableError('unreachable')
  }
}

async function readJwks(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  options: FetchJwksOptions,
): Promise<FetchedJwks> {
  // The agent is destroyed with an unread body still open, which must not go unheard.
  body.on('error', () => undefined)
  if (statusCode >= 300 && statusCode < 400) throw new JwksUnavailableError('redirected')
  if (statusCode !== 200) throw new JwksUnavailableError('not-ok')
  const jwks = parsePublicJwks(await readJson(body, options.maxBytes ?? DEFAULT_MAX_BYTES))
  const cacheHeaders = {
    cacheControl: headerText(headers['cache-control'])?.toLowerCase(),
    expires: headerText(headers['expires']),
    age: headerText(headers['age']),
  }
  return { jwks, lifetimeSeconds: cacheLifetimeSeconds(cacheHeaders, options.now()) }
}

async function readJson(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      bytes += piece.length
      if (bytes > maxBytes) throw new JwksUnavailableError('too-large')
      pieces.push(piece)
    }
  } catch (error) {
    throw error instanceof JwksUnavailableError ? error : new JwksUnavailableError('unreachable')
  }
  try {
    return JSON.parse(Buffer.concat(pieces, bytes).toString('utf8')) as unknown
  } catch {
    throw new JwksUnavailableError('not-json')
  }
}

function headerText(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',')
}

function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
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
