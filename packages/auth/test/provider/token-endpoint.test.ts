import fc from 'fast-check'
import { exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { createPublicKey, randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RemoteJwks } from '../../src/jwks/remote-jwks.ts'
import { PrivateKey } from '../../src/keys/private-key.ts'
import { Authenticator, bearerChallenge } from '../../src/provider/authenticator.ts'
import { newRegistration } from '../../src/provider/new-registration.ts'
import type { RegisteredClient } from '../../src/provider/registered-client.ts'
import type { TokenAnswer } from '../../src/provider/token-answer.ts'
import { TokenEndpoint, type TokenRequest } from '../../src/provider/token-endpoint.ts'
import { MemoryStores } from '../memory-stores.ts'
import { TestClock } from '../test-clock.ts'
import { json, startServer } from '../test-server.ts'

const TOKEN_URL = 'https://fhir.example.org/auth/token'
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const FORM = 'application/x-www-form-urlencoded'

let ec: PrivateKey
let rsa: PrivateKey
let stranger: PrivateKey
let clock: TestClock
let stores: MemoryStores
let remoteJwks: RemoteJwks
let endpoint: TokenEndpoint
let client: RegisteredClient

beforeAll(async () => {
  const now = new Date(0)
  ;[ec, rsa, stranger] = await Promise.all([
    PrivateKey.generate('ES384', now),
    PrivateKey.generate('RS384', now),
    PrivateKey.generate('ES384', now),
  ])
})

beforeEach(async () => {
  clock = new TestClock()
  stores = new MemoryStores()
  remoteJwks = new RemoteJwks({ now: clock.now, allowLoopback: true })
  endpoint = newEndpoint()
  client = await register({ jwks: { keys: [ec.publicJwk, rsa.publicJwk] } })
})

function newEndpoint(
  settings: Partial<ConstructorParameters<typeof TokenEndpoint>[0]> = {},
): TokenEndpoint {
  const { clients, tokens, replays } = stores
  const all = { tokenUrl: TOKEN_URL, clients, tokens, replays, remoteJwks, now: clock.now }
  return new TokenEndpoint({ ...all, ...settings })
}

async function register(keys: { jwks: unknown } | { jwksUrl: string }): Promise<RegisteredClient> {
  const request = { name: 'Test', keys, scopes: 'system/*.rs' }
  const registered = newRegistration(request, { now: clock.now })
  await stores.clients.add(registered)
  return registered
}

interface AssertionChanges {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly key?: PrivateKey
}

async function signed({
  header = {},
  claims = {},
  key = ec,
}: AssertionChanges = {}): Promise<string> {
  const { algorithm } = key
  const defaults = {
    iss: client.clientId,
    sub: client.clientId,
    aud: TOKEN_URL,
    exp: Math.floor(clock.now().getTime() / 1000) + 300,
    jti: randomUUID(),
  }
  return new SignJWT({ ...defaults, ...claims })
    .setProtectedHeader({ alg: algorithm, kid: key.kid, typ: 'JWT', ...header })
    .sign(await importJWK({ ...key.exportSecret() }, algorithm))
}

function ask(
  assertion: string,
  changes: Record<string, string | undefined> = {},
): Promise<TokenAnswer> {
  const parameters: Record<string, string | undefined> = {
    grant_type: 'client_credentials',
    client_assertion_type: JWT_BEARER,
    client_assertion: assertion,
    scope: 'system/*.rs',
    ...changes,
  }
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) form.set(name, value)
  }
  return send({ form })
}

function send(request: Partial<TokenRequest>): Promise<TokenAnswer> {
  return endpoint.handle({
    contentType: FORM,
    form: new URLSearchParams(),
    address: '192.0.2.1',
    ...request,
  })
}

/** Expects a refusal by name, in RFC 6749's form, without anything that was sent. */
function expectRefused(answer: TokenAnswer, error: string, reason: string): void {
  expect(answer).toMatchObject({ status: 400, body: { error }, event: { kind: 'refused', reason } })
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
  expect(stores.stored.size).toBe(0)
}

describe('a right request', () => {
  test.each(['ES384', 'RS384'] as const)(
    'signed with %s gets a token that authenticates',
    async (algorithm) => {
      const answer = await ask(await signed({ key: algorithm === 'ES384' ? ec : rsa }))

      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({
        access_token: expect.stringMatching(/^[\w-]{43}$/) as string,
        token_type: 'bearer',
        expires_in: 300,
        scope: 'system/*.rs',
      })
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
      const found = await authenticator().authenticate(`Bearer ${tokenOf(answer)}`)
      expect(found).toMatchObject({ state: 'authenticated', client: { clientId: client.clientId } })
    },
  )

  test('leaves only a hash of the token behind', async () => {
    const answer = await ask(await signed())

    const kept = JSON.stringify([...stores.stored.values(), answer.event])
    expect(kept).not.toContain(tokenOf(answer))
    expect([...stores.stored.keys()][0]).toMatch(/^[0-9a-f]{64}$/)
  })

  test('takes an audience in an array of one, and a client_id that is the subject', async () => {
    const assertion = await signed({ claims: { aud: [TOKEN_URL] } })

    expect((await ask(assertion, { client_id: client.clientId })).status).toBe(200)
  })

  test.each([300, 360])('takes exp %i seconds ahead', async (seconds) => {
    const exp = clock.now().getTime() / 1000 + seconds

    expect((await ask(await signed({ claims: { exp } }))).status).toBe(200)
  })

  test('takes an exp that passed less than a minute ago, and clocks a minute ahead', async () => {
    const nowSeconds = clock.now().getTime() / 1000

    const expired = await ask(await signed({ claims: { exp: nowSeconds - 59 } }))
    const early = await ask(
      await signed({ claims: { nbf: nowSeconds + 60, iat: nowSeconds + 60 } }),
    )

    expect([expired.status, early.status]).toEqual([200, 200])
  })

  test('takes a content type with parameters', async () => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: JWT_BEARER,
      client_assertion: await signed(),
      scope: 'system/Patient.read',
    })

    const answer = await send({ form, contentType: `${FORM}; charset=UTF-8` })

    expect(answer.body).toMatchObject({ scope: 'system/Patient.read' })
  })
})

describe('the form', () => {
  test.each([undefined, 'application/json', 'application/x-www-form-urlencodedx'])(
    'refuses content type %s',
    async (contentType) => {
      expectRefused(await send({ contentType }), 'invalid_request', 'wrong-content-type')
    },
  )

  test('refuses an unknown grant before it looks at the client', async () => {
    const answer = await ask('nonsense', { grant_type: 'authorization_code' })

    expectRefused(answer, 'unsupported_grant_type', 'unsupported-grant-type')
  })

  test('refuses an unknown grant that comes without any client', async () => {
    const form = new URLSearchParams({ grant_type: 'password' })

    expectRefused(await send({ form }), 'unsupported_grant_type', 'unsupported-grant-type')
  })

  test.each([
    [{ grant_type: undefined }, 'invalid_request', 'no-grant-type'],
    [{ client_assertion_type: undefined }, 'invalid_client', 'wrong-assertion-type'],
    [{ client_assertion_type: 'x' }, 'invalid_client', 'wrong-assertion-type'],
    [{ client_assertion: undefined }, 'invalid_client', 'no-assertion'],
    [{ client_secret: 's' }, 'invalid_client', 'unsupported-authentication'],
    [{ client_id: 'other' }, 'invalid_client', 'other-client-id'],
    [{ scope: undefined }, 'invalid_scope', 'no-scope'],
    [{ scope: ' ' }, 'invalid_scope', 'no-scope'],
    [{ scope: 'system/Patient.cud' }, 'invalid_scope', 'nothing-granted'],
    [{ scope: 'system/Patient.rs?_id=1' }, 'invalid_scope', 'nothing-granted'],
    [{ padding: 'x'.repeat(70_000) }, 'invalid_request', 'request-too-large'],
  ])('refuses %j with %s', async (changes, error, reason) => {
    expectRefused(await ask(await signed(), changes), error, reason)
  })

  test('refuses a repeated parameter', async () => {
    const form = new URLSearchParams('grant_type=client_credentials&scope=a&scope=b')

    expectRefused(await send({ form }), 'invalid_request', 'repeated-parameter')
  })

  test('answers the Authorization header with 401 and a challenge', async () => {
    const form = new URLSearchParams({ grant_type: 'client_credentials' })

    const answer = await send({ form, authorizationHeader: 'Basic YTpi' })

    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(answer.headers['www-authenticate']).toBe('Basic realm="token"')
  })
})

describe('the assertion', () => {
  const at = (seconds: number): number => clock.now().getTime() / 1000 + seconds

  test.each<[string, () => AssertionChanges]>([
    ['wrong-typ', () => ({ header: { typ: 'at+jwt' } })],
    ['wrong-typ', () => ({ header: { typ: 'jwt' } })],
    ['wrong-typ', () => ({ header: { typ: undefined } })],
    ['no-kid', () => ({ header: { kid: undefined } })],
    ['no-kid', () => ({ header: { kid: 7 } })],
    ['unknown-key', () => ({ header: { kid: 'unknown' } })],
    ['unknown-key', () => ({ header: { kid: rsa.kid } })],
    ['bad-signature', () => ({ key: stranger, header: { kid: ec.kid } })],
    ['foreign-jku', () => ({ header: { jku: 'https://evil.example.org/jwks.json' } })],
    ['foreign-jku', () => ({ header: { jku: 7 } })],
    ['unknown-client', () => ({ claims: { iss: 'nobody', sub: 'nobody' } })],
    ['issuer-is-not-subject', () => ({ claims: { iss: 'https://client.example.org' } })],
    ['no-subject', () => ({ claims: { sub: undefined } })],
    ['wrong-audience', () => ({ claims: { aud: `${TOKEN_URL}/` } })],
    ['wrong-audience', () => ({ claims: { aud: 'https://fhir.example.org/fhir' } })],
    ['wrong-audience', () => ({ claims: { aud: [TOKEN_URL, 'https://other.example.org'] } })],
    ['wrong-audience', () => ({ claims: { aud: undefined } })],
    ['no-jti', () => ({ claims: { jti: undefined } })],
    ['no-jti', () => ({ claims: { jti: 'x'.repeat(513) } })],
    ['no-expiry', () => ({ claims: { exp: undefined } })],
    ['expired', () => ({ claims: { exp: at(-60) } })],
    ['expires-too-late', () => ({ claims: { exp: at(361) } })],
    ['not-yet-valid', () => ({ claims: { nbf: at(61) } })],
    ['not-yet-valid', () => ({ claims: { iat: at(61) } })],
    ['too-long', () => ({ claims: { padding: 'x'.repeat(20_000) } })],
  ])('is refused as %s (%#)', async (reason, changes) => {
    expectRefused(await ask(await signed(changes())), 'invalid_client', reason)
  })

  test('is refused with an expiry that is no number', async () => {
    const [header = '', , signature = ''] = (await signed()).split('.')
    const claims = { iss: 'a', sub: 'a', aud: TOKEN_URL, jti: '1', exp: '9999999999' }
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')

    expectRefused(await ask(`${header}.${payload}.${signature}`), 'invalid_client', 'no-expiry')
  })

  test('is refused when it is not signed at all', async () => {
    const unsecured = new UnsecuredJWT({ iss: client.clientId, sub: client.clientId }).encode()

    expectRefused(await ask(unsecured), 'invalid_client', 'alg-not-allowed')
  })

  test.each(['ES256', 'RS256', 'PS384', 'EdDSA'])('is refused with %s', async (alg) => {
    const { privateKey } = await generateKeyPair(alg)
    const assertion = await new SignJWT({ iss: client.clientId, sub: client.clientId })
      .setProtectedHeader({ alg, kid: ec.kid, typ: 'JWT' })
      .sign(privateKey)

    expectRefused(await ask(assertion), 'invalid_client', 'alg-not-allowed')
  })

  test('is refused when a public key was used as the secret of an HMAC', async () => {
    const jwk = rsa.publicJwk
    const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const assertion = await new SignJWT({
      iss: client.clientId,
      sub: client.clientId,
      aud: TOKEN_URL,
    })
      .setProtectedHeader({ alg: 'HS384', kid: rsa.kid, typ: 'JWT' })
      .sign(Buffer.from(pem))

    expectRefused(await ask(assertion), 'invalid_client', 'alg-not-allowed')
  })

  test('is refused when its claims were changed', async () => {
    const [header = '', payload = '', signature = ''] = (await signed()).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...claims, jti: 'other' })).toString('base64url')

    expectRefused(await ask(`${header}.${changed}.${signature}`), 'invalid_client', 'bad-signature')
  })

  test('is refused the second time, until long after it expired', async () => {
    const assertion = await signed()
    expect((await ask(assertion)).status).toBe(200)

    const again = await ask(assertion)
    clock.advanceSeconds(359)
    const late = await ask(assertion)
    clock.advanceSeconds(1)
    const tooLate = await ask(assertion)

    const reasons = [again, late, tooLate].map(
      ({ event }) => event.kind === 'refused' && event.reason,
    )
    expect(reasons).toEqual(['replayed', 'replayed', 'expired'])
  })

  test('is not used up by somebody who cannot sign it', async () => {
    const jti = randomUUID()
    await ask(await signed({ key: stranger, header: { kid: ec.kid }, claims: { jti } }))

    expect((await ask(await signed({ claims: { jti } }))).status).toBe(200)
  })

  test('of a revoked client is refused in the same words as one of an unknown client', async () => {
    const unknown = await ask(await signed({ claims: { iss: 'nobody', sub: 'nobody' } }))
    await stores.clients.revoke(client.clientId, clock.now())

    const revoked = await ask(await signed())

    expectRefused(revoked, 'invalid_client', 'revoked-client')
    expect(revoked.body).toEqual(unknown.body)
  })

  test('of a rotated key is refused, of its successor taken', async () => {
    const keys = { kind: 'jwks', jwks: { keys: [stranger.publicJwk] } } as const
    await stores.clients.rotateKeys(client.clientId, keys)

    expectRefused(await ask(await signed()), 'invalid_client', 'unknown-key')
    expect((await ask(await signed({ key: stranger }))).status).toBe(200)
  })

  test('is refused when two keys have its kid and its type', async () => {
    const twin = { ...stranger.publicJwk, kid: ec.kid }
    const keys = { kind: 'jwks', jwks: { keys: [ec.publicJwk, twin] } } as const
    await stores.clients.rotateKeys(client.clientId, keys)

    expectRefused(await ask(await signed()), 'invalid_client', 'ambiguous-key')
  })

  test('of any text is refused, and quoted nowhere', async () => {
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    )
    const texts = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.array(part, { maxLength: 4 }).map((p) => p.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (assertion) => {
        clock.advanceSeconds(60)
        const answer = await ask(`~${assertion}`)
        expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client' } })
      }),
    )
  })
})

describe('keys behind a URL', () => {
  test('are fetched, found by a matching jku too, and fetched anew after a rotation', async () => {
    await using server = await startServer(
      json({ keys: [ec.publicJwk] }, { 'cache-control': 'max-age=3600' }),
    )
    const jwksUrl = `${server.origin}/jwks.json`
    client = await register({ jwksUrl })

    expect((await ask(await signed())).status).toBe(200)
    expect((await ask(await signed({ header: { jku: jwksUrl } }))).status).toBe(200)
    expect(server.requests).toHaveLength(1)

    server.answer = json({ keys: [stranger.publicJwk] })
    clock.advanceSeconds(31)
    expect((await ask(await signed({ key: stranger }))).status).toBe(200)
    expect(server.requests).toHaveLength(2)
    expect((await ask(await signed())).body).toMatchObject({ error: 'invalid_client' })
  })

  test('that cannot be read refuse the client', async () => {
    await using server = await startServer(json({ keys: [ec.exportSecret()] }))
    client = await register({ jwksUrl: `${server.origin}/jwks.json` })

    expectRefused(await ask(await signed()), 'invalid_client', 'keys-unavailable')
  })
})

describe('limits', () => {
  test('an address that asks too often gets 429 with whole seconds', async () => {
    endpoint = newEndpoint({ maxRequestsPerMinuteAndAddress: 2 })
    await send({})
    await send({})

    const answer = await send({})

    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '30' } })
    expect((await send({ address: '192.0.2.2' })).status).toBe(400)
    clock.advanceSeconds(30)
    expect((await send({})).status).toBe(400)
  })

  test('a client that asks too often gets 429, and nobody else can use its share up', async () => {
    endpoint = newEndpoint({ maxRequestsPerMinuteAndClient: 1 })
    await ask(await signed({ key: stranger, header: { kid: ec.kid } }))
    expect((await ask(await signed())).status).toBe(200)

    const assertion = await signed()
    const answer = await ask(assertion)

    expect(answer).toMatchObject({ status: 429, event: { clientId: client.clientId } })
    clock.advanceSeconds(60)
    expect((await ask(assertion)).status).toBe(200)
  })

  test.each([0, 3601, 1.5])('refuse a token lifetime of %d seconds', (tokenLifetimeSeconds) => {
    expect(() => newEndpoint({ tokenLifetimeSeconds })).toThrow(RangeError)
  })

  test('sweep what has expired', async () => {
    await ask(await signed())
    clock.advanceSeconds(361)

    await ask(await signed())

    expect([stores.stored.size, stores.used.size]).toEqual([1, 1])
  })
})

describe('Authenticator', () => {
  test.each([
    [undefined, { state: 'missing' }],
    ['', { state: 'missing' }],
    ['Basic YTpi', { state: 'missing' }],
    ['Bearer', { state: 'invalid', fault: 'malformed' }],
    ['Bearer a b', { state: 'invalid', fault: 'malformed' }],
    [`Bearer ${'a'.repeat(600)}`, { state: 'invalid', fault: 'malformed' }],
    ['Bearer unknown', { state: 'invalid', fault: 'unknown' }],
  ])('finds %j %j', async (header, expected) => {
    expect(await authenticator().authenticate(header)).toEqual(expected)
  })

  test('takes a token until the moment at which it expires', async () => {
    const header = `bearer ${tokenOf(await ask(await signed()))}`
    clock.advanceSeconds(299.999)
    expect(await authenticator().authenticate(header)).toMatchObject({ state: 'authenticated' })

    clock.advanceSeconds(0.001)

    const expected = { state: 'invalid', fault: 'expired' }
    expect(await authenticator().authenticate(header)).toEqual(expected)
  })

  test('ends the tokens of a client with the client', async () => {
    const header = `Bearer ${tokenOf(await ask(await signed()))}`
    await stores.clients.revoke(client.clientId, clock.now())

    const expected = { state: 'invalid', fault: 'revoked' }
    expect(await authenticator().authenticate(header)).toEqual(expected)
  })

  test('challenges without an error where there was no token', () => {
    expect(bearerChallenge('missing')).toBe('Bearer realm="fhir"')
    expect(bearerChallenge('invalid')).toContain('error="invalid_token"')
    expect(bearerChallenge('insufficient-scope')).toContain('error="insufficient_scope"')
  })
})

function authenticator(): Authenticator {
  return new Authenticator({ clients: stores.clients, tokens: stores.tokens, now: clock.now })
}

function tokenOf({ body }: TokenAnswer): string {
  return 'access_token' in body ? body.access_token : ''
}

test('a public key exported by jose is one that a registration takes', async () => {
  const { publicKey } = await generateKeyPair('ES384', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', key_ops: ['verify'] }

  expect((await register({ jwks: { keys: [jwk] } })).keys).toMatchObject({ kind: 'jwks' })
})
