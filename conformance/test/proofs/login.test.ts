import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { PrivateKey, publicJwks } from '@flatfhir/auth'
import { bulkData, smart } from '@flatfhir/conformance'
import { afterAll, beforeAll, expect } from 'vitest'
import { ASSERTION_TYPE, startSmartProvider, tokenForm, type SmartProvider } from '../fixtures.ts'
import { verifies } from '../verifies.ts'

interface TokenAnswer {
  readonly access_token?: string
  readonly token_type?: string
  readonly expires_in?: number
  readonly scope?: string
  readonly error?: string
  readonly error_description?: string
}

let provider: SmartProvider

beforeAll(async () => {
  provider = await startSmartProvider({ population: [] })
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

async function asked(
  form: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: TokenAnswer }> {
  const answer = await provider.askToken(form)
  return { status: answer.status, body: (await answer.json()) as TokenAnswer }
}

const TOKEN_ANSWER = [248, 253, 254, 255, 256, 257, 258, 259, 260, 261, 262].map(smart)

verifies([bulkData(12), bulkData(19), ...TOKEN_ANSWER, smart(240), smart(250)], async () => {
  const client = await provider.addClient({ scopes: 'system/Patient.rs system/Group.rs' })

  const scope = 'system/Patient.rs system/Observation.rs'
  const { status, body } = await asked(tokenForm(await provider.assertion(client), scope))

  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'bearer', scope: 'system/Patient.rs' })
  expect(body.access_token).toMatch(/^\S{20,}$/)
  expect(body.expires_in).toBeGreaterThan(0)
  expect(body.expires_in).toBeLessThanOrEqual(300)
  expect(body).not.toHaveProperty('refresh_token')
})

verifies([smart(251), smart(252)], async () => {
  const client = await provider.addClient({ scopes: 'system/Patient.rs' })
  const form = async (scope: string): Promise<Record<string, string>> =>
    tokenForm(await provider.assertion(client), scope)

  const answers = [
    await asked({ ...(await form('system/Patient.rs')), grant_type: 'password' }),
    await asked(await form('system/Device.rs')),
    await asked({ grant_type: 'client_credentials', scope: 'system/Patient.rs' }),
  ]

  const codes = answers.map(({ status, body }) => [status, body.error])
  expect(codes[0]).toEqual([400, 'unsupported_grant_type'])
  expect(codes[1]).toEqual([400, 'invalid_scope'])
  expect(['invalid_request', 'invalid_client']).toContain(answers[2]?.body.error)
  for (const { body } of answers) expect(body.error_description).toMatch(/\w/)
})

verifies([smart(249), smart(335), smart(337), smart(340)], async () => {
  const client = await provider.addClient()
  const stranger = await PrivateKey.generate('ES384', new Date())
  const assertions = [
    await provider.assertion(client, { key: stranger }),
    await provider.assertion(client, { tokenUrl: 'https://other.example.org/token' }),
    await provider.assertion(client, { now: new Date(Date.now() - 3_600_000) }),
    await provider.assertion(client, { clientId: 'nobody' }),
    'not.an.assertion',
  ]

  for (const assertion of assertions) {
    const { status, body } = await asked(tokenForm(assertion, 'system/Patient.rs'))
    expect([400, 401]).toContain(status)
    expect(body.error).toBe('invalid_client')
  }
})

verifies(smart(336), async () => {
  const client = await provider.addClient()
  const form = tokenForm(await provider.assertion(client), 'system/Patient.rs')

  expect((await asked(form)).status).toBe(200)
  expect((await asked(form)).body.error).toBe('invalid_client')
})

verifies([smart(297), smart(310), smart(316), smart(326)], async () => {
  for (const algorithm of ['RS384', 'ES384'] as const) {
    const key = await PrivateKey.generate(algorithm, new Date())
    const client = await provider.addClient({ keys: { jwks: publicJwks([key]) } })

    const assertion = await provider.assertion(client, { key })
    const { status } = await asked(tokenForm(assertion, 'system/Patient.rs'))

    expect(client.clientId).toMatch(/\w/)
    expect([algorithm, status]).toEqual([algorithm, 200])
  }
})

verifies(smart(338), async () => {
  const client = await provider.addClient()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url')
  const seconds = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: client.clientId, sub: client.clientId, aud: provider.tokenUrl },
    ...{ exp: seconds + 60, jti: randomUUID() },
  }
  const jku = 'https://attacker.example.org/jwks.json'
  const text = `${part({ alg: 'ES384', typ: 'JWT', kid: 'k', jku })}.${part(claims)}`
  const signature = sign('sha384', Buffer.from(text), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })

  const { body } = await asked({
    ...tokenForm(`${text}.${signature.toString('base64url')}`, 'system/Patient.rs'),
    client_assertion_type: ASSERTION_TYPE,
  })

  expect(body.error).toBe('invalid_client')
})

verifies(smart(296), async () => {
  const client = await provider.addClient({
    keys: { jwksUrl: 'https://client.example.org/jwks.json' },
  })

  expect(client.keys).toMatchObject({ jwksUrl: 'https://client.example.org/jwks.json' })
})

const CONFIGURATION = [228, 285, 286, 287, 288, 289, 372, 373, 374, 377, 380, 384, 385, 389, 393]

verifies(CONFIGURATION.map(smart), async () => {
  const answers = await Promise.all(
    ['application/json', 'text/html', 'application/fhir+xml'].map((accept) =>
      fetch(`${provider.url}/.well-known/smart-configuration`, { headers: { accept } }),
    ),
  )

  for (const answer of answers) {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
  }
  const configuration = (await answers[0]?.json()) as Record<string, readonly string[]>
  expect(configuration).toMatchObject({
    token_endpoint: provider.tokenUrl,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
  })
  expect(configuration['capabilities']).toContain('client-confidential-asymmetric')
  expect(configuration['token_endpoint_auth_signing_alg_values_supported']).toEqual(
    expect.arrayContaining(['RS384', 'ES384']),
  )
  expect(configuration['scopes_supported']?.length).toBeGreaterThan(0)
})
