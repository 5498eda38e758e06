import { decodeJwt, decodeProtectedHeader } from 'jose'
import { inspect } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  BackendServicesTokenSource,
  type BackendServicesOptions,
} from '../../src/consumer/backend-services-token-source.ts'
import { discoverSmart } from '../../src/consumer/discover-smart.ts'
import { RemoteJwks } from '../../src/jwks/remote-jwks.ts'
import { PrivateKey } from '../../src/keys/private-key.ts'
import { newRegistration } from '../../src/provider/new-registration.ts'
import { TokenEndpoint } from '../../src/provider/token-endpoint.ts'
import { MemoryStores } from '../memory-stores.ts'
import { TestClock } from '../test-clock.ts'
import { json, startServer, type Handler, type ReceivedRequest } from '../test-server.ts'

let key: PrivateKey
let clock: TestClock

beforeAll(async () => {
  key = await PrivateKey.generate('ES384', new Date(0))
})

beforeEach(() => {
  clock = new TestClock()
})

function source(
  tokenUrl: string,
  options: Partial<BackendServicesOptions> = {},
): BackendServicesTokenSource {
  return new BackendServicesTokenSource({
    tokenUrl,
    clientId: 'client-1',
    credential: { kind: 'private-key', key },
    scope: 'system/*.rs',
    clock,
    random: () => 0,
    ...options,
  })
}

/** A promise, and what resolves it. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** Tokens t1, t2, … */
function numbered(expiresIn: unknown = 300): Handler {
  let count = 0
  return (request, response) => {
    count += 1
    const body = {
      access_token: `t${count}`,
      token_type: 'Bearer',
      expires_in: expiresIn,
      scope: 's',
    }
    json(body)(request, response)
  }
}

function assertionOf(request: ReceivedRequest | undefined): string {
  return new URLSearchParams(request?.body).get('client_assertion') ?? ''
}

describe('BackendServicesTokenSource', () => {
  test('logs in at our own token endpoint', async () => {
    const stores = new MemoryStores()
    const registration = {
      name: 'C',
      keys: { jwks: { keys: [key.publicJwk] } },
      scopes: 'system/*.read',
    }
    const client = newRegistration(registration, { now: clock.now })
    await stores.clients.add(client)
    await using server = await startServer(() => undefined)
    const tokenUrl = `${server.origin}/token`
    const remoteJwks = new RemoteJwks({ now: clock.now })
    const { clients, tokens: accessTokens, replays } = stores
    const storesOf = { clients, tokens: accessTokens, replays }
    const endpoint = new TokenEndpoint({ ...storesOf, tokenUrl, remoteJwks, now: clock.now })
    server.answer = (request, response) => {
      const contentType = request.headers['content-type']
      const form = new URLSearchParams(request.body)
      void endpoint.handle({ contentType, form, address: '127.0.0.1' }).then((answer) => {
        json(answer.body, answer.headers, answer.status)(request, response)
      })
    }
    const tokens = source(tokenUrl, { clientId: client.clientId, scope: 'system/Patient.rs' })

    const token = await tokens.getToken()

    expect(token).toMatch(/^[\w-]{43}$/)
    expect(tokens.grantedScope).toBe('system/Patient.rs')
  })

  test('signs an assertion as SMART wants it', async () => {
    await using server = await startServer(numbered())
    const jku = 'https://client.example.org/jwks.json'
    const tokenUrl = `${server.origin}/token`

    await source(tokenUrl, {
      credential: { kind: 'private-key', key, jku },
      randomId: () => 'id-1',
    }).getToken()

    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', path: '/token' })
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toMatchObject({
      grant_type: 'client_credentials',
      scope: 'system/*.rs',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const assertion = assertionOf(request)
    expect(decodeProtectedHeader(assertion)).toEqual({
      alg: 'ES384',
      kid: key.kid,
      typ: 'JWT',
      jku,
    })
    const { exp = 0, ...claims } = decodeJwt(assertion)
    expect(claims).toEqual({ iss: 'client-1', sub: 'client-1', aud: tokenUrl, jti: 'id-1' })
    expect(exp - clock.now().getTime() / 1000).toBe(240)
  })

  test('keeps a token until half a minute before it expires', async () => {
    await using server = await startServer(numbered())
    const tokens = source(server.origin)
    await tokens.getToken()
    clock.advanceSeconds(269)
    expect(await tokens.getToken()).toBe('t1')

    clock.advanceSeconds(1)

    expect(await tokens.getToken()).toBe('t2')
  })

  test.each([
    [60, 54],
    ['60', 54],
    [undefined, 270],
    ['soon', 270],
    [-1, 270],
  ])('renews a token of expires_in %j after %i seconds', async (expiresIn, seconds) => {
    await using server = await startServer(numbered(expiresIn))
    const tokens = source(server.origin)
    await tokens.getToken()
    clock.advanceSeconds(seconds - 1)
    expect(await tokens.getToken()).toBe('t1')

    clock.advanceSeconds(1)

    expect(await tokens.getToken()).toBe('t2')
  })

  test('asks once for many callers, and once for many that got a 401', async () => {
    await using server = await startServer(numbered())
    const tokens = source(server.origin)
    const first = await Promise.all(Array.from({ length: 10 }, () => tokens.getToken()))

    const second = await Promise.all(
      first.map(async (token, index) => {
        if (index > 4) await tokens.getToken()
        tokens.invalidate(token)
        return tokens.getToken()
      }),
    )

    expect(new Set(first)).toEqual(new Set(['t1']))
    expect(new Set(second)).toEqual(new Set(['t2']))
    expect(server.requests).toHaveLength(2)
  })

  test('tries again when the endpoint is busy, with a new assertion, as long as it asks', async () => {
    await using server = await startServer(json({}, { 'retry-after': '7' }, 429))
    server.answer = (request, response) => {
      const isFirst = server.requests.length === 1
      const busy = json({}, { 'retry-after': '7' }, 429)
      ;(isFirst ? busy : server.requests.length === 2 ? json({}, {}, 503) : numbered())(
        request,
        response,
      )
    }

    expect(await source(server.origin).getToken()).toBe('t1')

    expect(clock.waits).toEqual([7000, 500])
    expect(
      new Set(server.requests.map((request) => decodeJwt(assertionOf(request)).jti)).size,
    ).toBe(3)
  })

  test.each([
    [400, { error: 'invalid_client' }, 'invalid_client'],
    [401, { error: 'invalid_scope', error_description: 'secret-text' }, 'invalid_scope'],
    [400, { error: 'secret-text' }, undefined],
    [403, 'secret-text', undefined],
    [302, {}, undefined],
  ])('is refused for good by %i %j', async (status, body, oauthError) => {
    await using server = await startServer(json(body, { location: 'http://127.0.0.1:1/' }, status))

    const error: unknown = await source(server.origin)
      .getToken()
      .catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'TOKEN_REFUSED', status, oauthError, retryable: false })
    expect(inspect(error)).not.toContain('secret-text')
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    {},
    { access_token: 't', token_type: 'mac' },
    { access_token: 't\r\nX-Injected: 1', token_type: 'bearer' },
    { access_token: '', token_type: 'bearer' },
    { access_token: 7, token_type: 'bearer' },
    [],
  ])('does not take %j for a token', async (body) => {
    await using server = await startServer(json(body))

    await expect(source(server.origin).getToken()).rejects.toMatchObject({
      code: 'TOKEN_ANSWER_INVALID',
    })
  })

  test('says so when nobody is there, after the attempts it may make', async () => {
    const server = await startServer(numbered())
    await server[Symbol.asyncDispose]()

    await expect(source(server.origin, { maxAttempts: 3 }).getToken()).rejects.toMatchObject({
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
      reason: 'ECONNREFUSED',
      origin: server.origin,
    })

    expect(clock.waits).toEqual([250, 500])
  })

  test('goes on with a good token while renewal fails in passing, but not with an expired one', async () => {
    await using server = await startServer(numbered())
    const tokens = source(server.origin, { maxAttempts: 1 })
    await tokens.getToken()
    server.answer = json({}, {}, 503)
    clock.advanceSeconds(280)
    expect(await tokens.getToken()).toBe('t1')

    clock.advanceSeconds(20)

    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'TOKEN_REFUSED', status: 503 })
  })

  test('lets one caller leave while another waits, and hangs up when the last has left', async () => {
    let release: () => void = () => undefined
    const arrived = deferred()
    await using server = await startServer((request, response) => {
      arrived.resolve()
      release = () => {
        numbered()(request, response)
      }
    })
    const tokens = source(server.origin)
    const leaver = new AbortController()
    const leaving = tokens.getToken(leaver.signal)
    const staying = tokens.getToken()
    await arrived.promise

    leaver.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    release()

    expect(await staying).toBe('t1')

    tokens.invalidate('t1')
    const closed = deferred()
    const last = new AbortController()
    server.answer = (_request, response) => {
      response.on('close', () => {
        closed.resolve()
      })
      last.abort(new Error('left too'))
    }
    await expect(tokens.getToken(last.signal)).rejects.toThrow('left too')
    await closed.promise
  })

  test('sends a client secret by Basic, encoded, and no assertion', async () => {
    await using server = await startServer(numbered())
    const credential = { kind: 'client-secret', secret: 'p:ä s' } as const
    const login = { tokenUrl: server.origin, clientId: 'c:1', credential, clock }

    await new BackendServicesTokenSource(login).getToken()

    const [request] = server.requests
    const encoded = request?.headers.authorization?.replace('Basic ', '') ?? ''
    expect(Buffer.from(encoded, 'base64').toString()).toBe('c%3A1:p%3A%C3%A4+s')
    expect(request?.body).toBe('grant_type=client_credentials')
  })

  test.each([
    ['token-url', { tokenUrl: 'http://fhir.example.org/token' }],
    ['token-url', { tokenUrl: 'nonsense' }],
    ['client-id', { clientId: '' }],
    ['client-id', { clientId: 'a\nb' }],
  ])('refuses the setting %s at once', (fault, options) => {
    expect(() => source('https://fhir.example.org/token', options)).toThrow(
      expect.objectContaining({ code: 'LOGIN_SETTING_INVALID', fault }),
    )
  })
})

describe('discoverSmart', () => {
  const oauthUris = (valueUri: string): unknown => ({
    resourceType: 'CapabilityStatement',
    rest: [
      {
        security: {
          extension: [
            {
              url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
              extension: [
                { url: 'authorize', valueUri: 'https://x' },
                { url: 'token', valueUri },
              ],
            },
          ],
        },
      },
    ],
  })

  test.each(['/fhir', '/fhir/', '/fhir?x=1'])(
    'reads the SMART configuration under %s',
    async (path) => {
      await using server = await startServer(
        json({
          token_endpoint: 'https://auth.example.org/token',
          capabilities: ['permission-v2', 7],
        }),
      )

      const found = await discoverSmart(`${server.origin}${path}`)

      expect(found).toMatchObject({
        tokenUrl: 'https://auth.example.org/token',
        source: 'smart-configuration',
        capabilities: ['permission-v2'],
        scopesSupported: [],
      })
      expect(server.requests.map((request) => request.path)).toEqual([
        '/fhir/.well-known/smart-configuration',
      ])
    },
  )

  test('falls back to the CapabilityStatement', async () => {
    await using server = await startServer((request, response) => {
      const isMetadata = request.path === '/fhir/metadata'
      const answer = isMetadata ? json(oauthUris('https://auth.example.org/t')) : json({}, {}, 404)
      answer(request, response)
    })

    const found = await discoverSmart(`${server.origin}/fhir`)

    expect(found).toMatchObject({
      tokenUrl: 'https://auth.example.org/t',
      source: 'capability-statement',
    })
  })

  test('refuses a token endpoint without https', async () => {
    await using server = await startServer(
      json({ token_endpoint: 'http://auth.example.org/token' }),
    )

    await expect(discoverSmart(server.origin)).rejects.toMatchObject({
      fault: 'insecure-token-url',
    })
  })

  test('says whether nothing was found or nobody was there', async () => {
    const server = await startServer(json({ rest: 7 }))
    await expect(discoverSmart(server.origin)).rejects.toMatchObject({
      code: 'SMART_DISCOVERY_FAILED',
      fault: 'not-found',
    })

    await server[Symbol.asyncDispose]()

    await expect(discoverSmart(server.origin)).rejects.toMatchObject({ fault: 'unreachable' })
    await expect(discoverSmart('fhir')).rejects.toMatchObject({ fault: 'fhir-base-url' })
  })
})
