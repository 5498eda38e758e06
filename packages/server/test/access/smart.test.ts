import { Agent } from 'undici'
import { BackendServicesTokenSource, discoverSmart, PrivateKey, publicJwks } from '@flatfhir/auth'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startSecureProvider, tokenForm, type SecureProvider } from './secure-provider.ts'

let secure: SecureProvider

beforeAll(async () => {
  secure = await startSecureProvider()
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
})

describe('discovery', () => {
  test('the SMART configuration names the token endpoint', async () => {
    const answer = await secure.provider.request('/.well-known/smart-configuration')

    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json()).toMatchObject({
      token_endpoint: secure.tokenUrl,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    })
  })

  test('so does the CapabilityStatement, for older clients', async () => {
    const statement = (await secure.provider.request('/metadata')).json()

    expect(statement['rest']).toMatchObject([
      {
        security: {
          service: [{ coding: [{ code: 'SMART-on-FHIR' }] }],
          extension: [
            {
              url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
              extension: [{ url: 'token', valueUri: secure.tokenUrl }],
            },
          ],
        },
      },
    ])
  })

  test('our own client finds its way in', async () => {
    const key = await PrivateKey.generate('RS384', secure.now())
    const client = await secure.addClient({
      keys: { jwks: publicJwks([key]) },
      scopes: 'system/Patient.rs',
    })
    const dispatcher = new Agent()
    onTestFinished(() => dispatcher.close())

    const found = await discoverSmart(secure.provider.url, { dispatcher })
    const source = new BackendServicesTokenSource({
      tokenUrl: found.tokenUrl,
      clientId: client.clientId,
      credential: { kind: 'private-key', key },
      scope: 'system/Patient.rs',
      dispatcher,
    })
    const headers = { authorization: `Bearer ${await source.getToken()}` }

    expect((await secure.provider.request('/Patient', { headers })).status).toBe(200)
  })
})

describe('the token endpoint', () => {
  test('answers in the words of OAuth, whatever the body', async () => {
    const path = '/auth/token'
    const form = 'application/x-www-form-urlencoded'
    const answers = await Promise.all(
      [
        { headers: { 'content-type': 'application/json' }, body: '{}' },
        { headers: { 'content-type': 'text/plain' }, body: 'x' },
        { headers: {}, body: 'grant_type=client_credentials' },
        { headers: { 'content-type': form, 'content-encoding': 'gzip' }, body: 'x' },
        { headers: { 'content-type': form }, body: '\u0000' },
      ].map((sent) => secure.provider.request(path, { method: 'POST', ...sent })),
    )

    for (const answer of answers) {
      expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
      expect(answer.headers['cache-control']).toBe('no-store')
    }
  })

  test('looks at an unknown grant before it looks at the client', async () => {
    const answer = await secure.requestToken({ grant_type: 'password' })

    expect([answer.status, answer.json()['error']]).toEqual([400, 'unsupported_grant_type'])
  })

  test('refuses more than 64 KiB', async () => {
    const answer = await secure.requestToken({ x: 'x'.repeat(64 * 1024) })

    expect([answer.status, answer.json()['error']]).toEqual([413, 'invalid_request'])
  })

  test('wants its own URL in the assertion', async () => {
    const client = await secure.addClient()
    const assertion = await secure.assertion(client, `${secure.provider.url}/other`)

    const answer = await secure.requestToken(tokenForm(assertion, 'system/*.rs'))

    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_client'])
  })

  test('answers POST only', async () => {
    const answer = await secure.provider.request('/auth/token?grant_type=client_credentials')

    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST'])
  })
})

describe('a token', () => {
  test('is taken whatever the case of the scheme', async () => {
    const { authorization } = await secure.login(await secure.addClient())

    const headers = { authorization: authorization.replace('Bearer', 'bEARER') }
    expect((await secure.provider.request('/Patient', { headers })).status).toBe(200)
  })

  test.each(['Basic eDp5', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer \u00e9', 'x'])(
    'is not %s',
    async (authorization) => {
      const answer = await secure.provider.request('/Patient', { headers: { authorization } })

      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm=/)
    },
  )

  test('in a URL is worth nothing, and spoils a good one in the header', async () => {
    const headers = await secure.login(await secure.addClient())
    const path = `/Patient?access_token=${headers.authorization.slice('Bearer '.length)}`

    expect((await secure.provider.request(path)).status).toBe(401)
    const both = await secure.provider.request(path, { headers })
    expect(both.status).toBe(400)
    expect(both.body.toString()).not.toContain(headers.authorization.slice('Bearer '.length))
  })

  test('ends with its client, at once', async () => {
    const client = await secure.addClient()
    const headers = await secure.login(client)
    expect((await secure.provider.request('/Patient', { headers })).status).toBe(200)

    await secure.store.clients.revoke(client.clientId, secure.now())

    const answer = await secure.provider.request('/Patient', { headers })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  test('ends by itself after five minutes', async () => {
    await using aging = await startSecureProvider()
    const headers = await aging.login(await aging.addClient())
    aging.shiftClock(295_000)
    expect((await aging.provider.request('/Patient', { headers })).status).toBe(200)

    aging.shiftClock(5000)

    expect((await aging.provider.request('/Patient', { headers })).status).toBe(401)
  })
})
