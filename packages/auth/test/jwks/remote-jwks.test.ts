import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { classifyAddress } from '../../src/jwks/address-class.ts'
import { cacheLifetimeSeconds } from '../../src/jwks/cache-lifetime.ts'
import { fetchJwks, type FetchJwksOptions } from '../../src/jwks/fetch-jwks.ts'
import { parsePublicJwks, parseRegistrationJwks } from '../../src/jwks/public-jwks.ts'
import { RemoteJwks, type RemoteJwksOptions } from '../../src/jwks/remote-jwks.ts'
import { PrivateKey } from '../../src/keys/private-key.ts'
import { TestClock } from '../test-clock.ts'
import { json, startServer, type Handler } from '../test-server.ts'

let key: PrivateKey
let clock: TestClock

beforeAll(async () => {
  key = await PrivateKey.generate('ES384', new Date(0))
})

beforeEach(() => {
  clock = new TestClock()
})

/** Fetches from a server that answers so, and returns the error's fields. */
async function faultOf(
  handler: Handler,
  options: Partial<FetchJwksOptions> = {},
): Promise<unknown> {
  await using server = await startServer(handler)
  const all = { now: clock.now, allowLoopback: true, ...options }
  return await fetchJwks(`${server.origin}/jwks.json`, all).catch((error: unknown) => error)
}

const html: Handler = (_request, response) => {
  response.end('<html>')
}

describe('fetchJwks', () => {
  test('asks for JSON without credentials, and reads the keys', async () => {
    await using server = await startServer(json({ keys: [key.publicJwk] }))

    const fetched = await fetchJwks(`${server.origin}/jwks.json`, {
      now: clock.now,
      allowLoopback: true,
    })

    expect(fetched).toEqual({ jwks: { keys: [key.publicJwk] }, lifetimeSeconds: 300 })
    expect(server.requests[0]?.headers).toMatchObject({ accept: 'application/json' })
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test.each([
    'http://client.example.org/jwks.json',
    'ftp://client.example.org/jwks.json',
    'https://user:secret@client.example.org/jwks.json',
    'https://client.example.org/jwks.json#x',
    'file:///etc/passwd',
    'nonsense',
  ])('refuses the URL %s', async (url) => {
    await expect(fetchJwks(url, { now: clock.now })).rejects.toMatchObject({ fault: 'url-refused' })
  })

  test.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00::1]/',
    'https://0x7f000001/',
    'https://localhost/',
  ])('refuses the address of %s without connecting', async (url) => {
    const lookup = async (): Promise<{ address: string; family: number }[]> => [
      { address: '127.0.0.1', family: 4 },
    ]

    const fetching = fetchJwks(url, { now: clock.now, lookup })

    await expect(fetching).rejects.toMatchObject({ fault: 'address-refused' })
  })

  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', 'fe80::1'])(
    'refuses a public name one of whose addresses is %s',
    async (address) => {
      const lookup = async (): Promise<{ address: string; family: number }[]> => [
        { address: '93.184.216.34', family: 4 },
        { address, family: address.includes(':') ? 6 : 4 },
      ]

      const fetching = fetchJwks('https://rebind.example.org/', { now: clock.now, lookup })

      await expect(fetching).rejects.toMatchObject({
        code: 'JWKS_UNAVAILABLE',
        fault: 'address-refused',
      })
    },
  )

  test('lets private networks in only when it is told to, link-local ones never', async () => {
    const fetchFrom = (address: string): Promise<unknown> => {
      const lookup = async (): Promise<{ address: string; family: number }[]> => [
        { address, family: 4 },
      ]
      const options = { now: clock.now, lookup, allowPrivateNetworks: true, timeoutMs: 50 }
      return fetchJwks('https://inner.example.org/', options).catch((error: unknown) => error)
    }

    expect(await fetchFrom('10.255.255.1')).not.toMatchObject({ fault: 'address-refused' })
    expect(await fetchFrom('169.254.169.254')).toMatchObject({ fault: 'address-refused' })
    expect(await fetchFrom('127.0.0.1')).toMatchObject({ fault: 'address-refused' })
  })

  test('connects to the address that it checked, whatever the name says afterwards', async () => {
    await using server = await startServer(json({ keys: [key.publicJwk] }))
    let lookups = 0
    const lookup = async (): Promise<{ address: string; family: number }[]> => {
      lookups += 1
      return [{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]
    }
    const options = { now: clock.now, allowLoopback: true, lookup }

    const { jwks } = await fetchJwks(`http://keys.localhost:${server.port}/`, options)

    expect(jwks.keys).toHaveLength(1)
    expect([lookups, server.requests.length]).toEqual([1, 1])
  })

  test('refuses a loopback name that leads elsewhere', async () => {
    const lookup = async (): Promise<{ address: string; family: number }[]> => [
      { address: '93.184.216.34', family: 4 },
    ]
    const options = { now: clock.now, allowLoopback: true, lookup }

    await expect(fetchJwks('http://keys.localhost/', options)).rejects.toMatchObject({
      fault: 'address-refused',
    })
  })

  test('follows no redirect', async () => {
    await using inner = await startServer(json({ keys: [key.publicJwk] }))
    const redirect: Handler = (_request, response) => {
      response.writeHead(302, { location: inner.origin }).end()
    }

    expect(await faultOf(redirect)).toMatchObject({ fault: 'redirected' })
    expect(inner.requests).toHaveLength(0)
  })

  test('gives up on a server that never answers, and on one that never ends', async () => {
    const silent: Handler = () => undefined
    const endless: Handler = (_request, response) => {
      response.writeHead(200)
      response.write('{"keys":')
    }

    expect(await faultOf(silent, { timeoutMs: 100 })).toMatchObject({ fault: 'too-slow' })
    expect(await faultOf(endless, { timeoutMs: 100 })).toMatchObject({ fault: 'too-slow' })
  })

  test('gives up on a resolver that never answers', async () => {
    const lookup = (): Promise<never> => new Promise(() => undefined)
    const options = { now: clock.now, lookup, timeoutMs: 50 }

    await expect(fetchJwks('https://a.example.org/', options)).rejects.toMatchObject({
      fault: 'too-slow',
    })
  })

  test('says when a name does not resolve, and when nobody listens', async () => {
    const lookup = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'))
    const unknown = fetchJwks('https://a.example.org/', { now: clock.now, lookup })
    await expect(unknown).rejects.toMatchObject({ fault: 'unknown-host' })

    const server = await startServer(json({}))
    await server[Symbol.asyncDispose]()
    const gone = fetchJwks(server.origin, { now: clock.now, allowLoopback: true })
    await expect(gone).rejects.toMatchObject({ fault: 'unreachable' })
  })

  test('stops reading what is too large', async () => {
    const huge: Handler = (_request, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }

    expect(await faultOf(huge)).toMatchObject({ fault: 'too-large' })
  })

  test.each<[string, Handler]>([
    ['not-ok', json({ keys: [] }, {}, 404)],
    ['not-json', html],
    ['not-a-jwk-set', json({ keys: 7 })],
    ['not-a-jwk-set', json([])],
    ['symmetric-key', json({ keys: [{ kty: 'oct', kid: 'a', k: 'c2VjcmV0' }] })],
  ])('refuses an answer that is %s', async (fault, handler) => {
    expect(await faultOf(handler)).toMatchObject({ fault })
  })

  test('refuses a set with a private key, and says nothing of it', async () => {
    const secret = key.exportSecret()

    const error = await faultOf(json({ keys: [key.publicJwk, secret] }))

    expect(error).toMatchObject({ code: 'JWKS_INVALID', fault: 'private-key' })
    expect(JSON.stringify(error) + String(error)).not.toContain(secret['d'])
  })
})

describe('a JWK Set', () => {
  test('loses keys for other purposes, and everything but the bare key', () => {
    const { publicJwk } = key
    const others = [
      { ...publicJwk, use: 'enc' },
      { ...publicJwk, alg: 'ES256' },
      { ...publicJwk, crv: 'P-256' },
      { ...publicJwk, kid: undefined },
      { ...publicJwk, key_ops: ['sign'] },
      { kty: 'RSA', kid: 'short', n: 'AQAB', e: 'AQAB' },
      { kty: 'OKP', kid: 'ed', crv: 'Ed25519', x: 'x' },
    ]

    const jwks = parsePublicJwks({ keys: [...others, { ...publicJwk, x5c: ['cert'] }] })

    expect(jwks).toEqual({ keys: [publicJwk] })
  })

  test('for a registration needs a usable key, and each kid once', () => {
    const twice = { keys: [key.publicJwk, key.publicJwk] }

    expect(() => parseRegistrationJwks({ keys: [] })).toThrow(
      expect.objectContaining({ fault: 'no-usable-key' }),
    )
    expect(() => parseRegistrationJwks(twice)).toThrow(
      expect.objectContaining({ fault: 'repeated-kid' }),
    )
  })
})

describe('RemoteJwks', () => {
  async function counting(
    headers: Record<string, string>,
    settings: Partial<RemoteJwksOptions> = {},
  ): Promise<{ ask: (kid?: string) => Promise<unknown>; count: () => number } & AsyncDisposable> {
    const server = await startServer(json({ keys: [key.publicJwk] }, headers))
    const remote = new RemoteJwks({ now: clock.now, allowLoopback: true, ...settings })
    return {
      ask: (kid = key.kid) => remote.keysFor(`${server.origin}/`, kid),
      count: () => server.requests.length,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  }

  test('keeps a set as long as Cache-Control says, and no second longer', async () => {
    await using remote = await counting({ 'cache-control': 'max-age=60' })
    await remote.ask()
    clock.advanceSeconds(59)
    await remote.ask()
    expect(remote.count()).toBe(1)

    clock.advanceSeconds(1)
    await remote.ask()

    expect(remote.count()).toBe(2)
  })

  test('keeps nothing of a set that says no-store', async () => {
    await using remote = await counting({ 'cache-control': 'no-store' })
    await remote.ask()
    await remote.ask()

    expect(remote.count()).toBe(2)
  })

  test('is not hammered by unknown kids', async () => {
    await using remote = await counting({ 'cache-control': 'max-age=3600' })
    for (let index = 0; index < 20; index += 1) await remote.ask(`unknown-${index}`)
    expect(remote.count()).toBe(1)

    clock.advanceSeconds(30)
    for (let index = 0; index < 20; index += 1) await remote.ask(`unknown-${index}`)

    expect(remote.count()).toBe(2)
  })

  test('is not hammered where nothing may be kept either', async () => {
    await using remote = await counting({ 'cache-control': 'no-store' }, { maxFetchesPerMinute: 2 })
    await remote.ask()
    await remote.ask()

    await expect(remote.ask()).rejects.toMatchObject({ fault: 'too-often', retryable: true })

    expect(remote.count()).toBe(2)
  })

  test('shares one fetch among callers of the same time', async () => {
    await using remote = await counting({})

    await Promise.all(Array.from({ length: 20 }, () => remote.ask()))

    expect(remote.count()).toBe(1)
  })

  test('does not fall back to keys whose time is over', async () => {
    await using server = await startServer(
      json({ keys: [key.publicJwk] }, { 'cache-control': 'max-age=60' }),
    )
    const remote = new RemoteJwks({ now: clock.now, allowLoopback: true })
    await remote.keysFor(server.origin, key.kid)
    server.answer = json({}, {}, 500)
    clock.advanceSeconds(60)

    await expect(remote.keysFor(server.origin, key.kid)).rejects.toMatchObject({ fault: 'not-ok' })
  })

  test('remembers a bounded number of sets, those used last', async () => {
    await using server = await startServer(json({ keys: [key.publicJwk] }))
    const remote = new RemoteJwks({ now: clock.now, allowLoopback: true, maxEntries: 2 })
    for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) {
      await remote.keysFor(`${server.origin}/${path}`, key.kid)
    }

    expect(server.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/c', '/b'])
  })
})

describe('cacheLifetimeSeconds', () => {
  test.each([
    [undefined, undefined, undefined, 300],
    ['max-age=60', undefined, undefined, 60],
    ['Public, MAX-AGE="60"', undefined, undefined, 60],
    ['max-age=60', undefined, '50', 10],
    ['max-age=60', undefined, '70', 0],
    ['max-age=60, max-age=10', undefined, undefined, 10],
    ['max-age=nonsense', undefined, undefined, 0],
    ['max-age=99999999', undefined, undefined, 86_400],
    ['max-age=60, no-store', undefined, undefined, 0],
    ['no-cache', undefined, undefined, 0],
    ['private', undefined, undefined, 300],
    [undefined, 'Fri, 01 May 2026 12:01:00 GMT', undefined, 60],
    [undefined, '0', undefined, 0],
    ['max-age=10', 'Fri, 01 May 2026 12:01:00 GMT', undefined, 10],
  ])('cache-control %j, expires %j, age %j is %i', (...[cacheControl, expires, age, expected]) => {
    expect(cacheLifetimeSeconds({ cacheControl, expires, age }, clock.now())).toBe(expected)
  })
})

describe('classifyAddress', () => {
  test.each([
    ['8.8.8.8', 'public'],
    ['172.15.0.1', 'public'],
    ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    ['0.0.0.0', 'forbidden'],
    ['169.254.169.254', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['255.255.255.255', 'forbidden'],
    ['192.0.2.1', 'forbidden'],
    ['::', 'forbidden'],
    ['::ffff:127.0.0.1', 'forbidden'],
    ['::ffff:8.8.8.8', 'forbidden'],
    ['0:0:0:0:0:ffff:a00:1', 'forbidden'],
    ['::127.0.0.1', 'forbidden'],
    ['64:ff9b::a00:1', 'forbidden'],
    ['2002:a00:1::1', 'forbidden'],
    ['2001::1', 'forbidden'],
    ['fe80::1', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
    ['ff02::1', 'forbidden'],
    ['2001:db8::1', 'forbidden'],
    ['1.2.3', 'forbidden'],
    ['example.org', 'forbidden'],
  ])('%s is %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected)
  })
})
