import { newRegistration, PrivateKey, publicJwks } from '@flatfhir/auth'
import { supportsConstraint } from '@flatfhir/server'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportAll, fill, kickOff, type Json } from '../http/parameters-provider.ts'
import {
  pathOf,
  startSecureProvider,
  tokenForm,
  type Authorization,
  type SecureProvider,
} from './secure-provider.ts'

const LABORATORY = 'system/Observation.rs?category=laboratory'
const VITALS = 'system/Observation.rs?category=vital-signs'
const REST = 'system/Patient.rs system/Group.rs'

let secure: SecureProvider

beforeAll(async () => {
  secure = await startSecureProvider()
  await fill(secure.provider, [
    { resourceType: 'Patient', id: 'ann' },
    observation('lab', 'laboratory'),
    observation('vital', 'vital-signs'),
    observation('survey', 'survey'),
    observation('lab-gone', 'laboratory'),
    observation('vital-gone', 'vital-signs'),
    {
      ...{ resourceType: 'Group', id: 'one', type: 'person', actual: true },
      member: [{ entity: { reference: 'Patient/ann' } }],
    },
  ])
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
})

function observation(id: string, category: string): Json {
  return {
    ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'x' } },
    category: [{ coding: [{ code: category }] }],
    subject: { reference: 'Patient/ann' },
  }
}

/** A client with these scopes registered, and a token of some. */
async function login(registered: string, asked = registered): Promise<Authorization> {
  const key = { scopes: registered, groups: ['*'] }
  return await secure.login(await addClient(key), asked)
}

async function addClient(
  registration: Readonly<{ scopes: string; groups: readonly string[] }>,
): ReturnType<SecureProvider['addClient']> {
  // What an operator does: the registration is told what the server can honour.
  return await secure.addClient({ ...registration }, { supportsConstraint })
}

async function exportedNames(
  headers: Authorization,
  path = '/Patient/$export',
): Promise<readonly string[]> {
  return (await exportAll(secure.provider, { path, headers })).names
}

describe('a token with a constrained scope', () => {
  test.each(['/$export', '/Patient/$export', '/Group/one/$export'])(
    'exports by %s what meets the constraint, and of other types everything',
    async (path) => {
      const headers = await login(`${LABORATORY} ${REST}`)

      const names = await exportedNames(headers, path)

      expect(names.filter((name) => !name.startsWith('Group/'))).toEqual([
        ...['Observation/lab', 'Observation/lab-gone', 'Patient/ann'],
      ])
    },
  )

  test('of several constraints exports what meets one of them', async () => {
    const headers = await login(`${LABORATORY} ${VITALS} ${REST}`)

    expect(await exportedNames(headers, '/Patient/$export?_type=Observation')).toEqual([
      ...['Observation/lab', 'Observation/lab-gone', 'Observation/vital', 'Observation/vital-gone'],
    ])
  })

  test('and a _typeFilter has to meet both', async () => {
    const headers = await login(`${LABORATORY} ${VITALS} ${REST}`)
    const path = '/Patient/$export?_type=Patient,Observation'
    const filter = '_typeFilter=Observation%3F_id%3Dlab%2Csurvey'

    expect(await exportedNames(headers, `${path}&${filter}`)).toEqual([
      ...['Observation/lab', 'Patient/ann'],
    ])
  })

  test('is restricted also where the client asks for it by name, or in blocks of patients', async () => {
    const headers = await login(`${LABORATORY} ${REST}`)

    expect(await exportedNames(headers, '/Patient/$export?_type=Observation')).toEqual([
      ...['Observation/lab', 'Observation/lab-gone'],
    ])
    expect(await exportedNames(headers, '/Patient/$export?organizeOutputBy=Patient')).toEqual([
      ...['Observation/lab', 'Observation/lab-gone', 'Patient/ann'],
    ])
  })

  test('can only be granted where the registration has it, and as narrow', async () => {
    const wide = await login(`system/Observation.rs ${REST}`, `${LABORATORY} ${REST}`)
    const narrow = await login(`${LABORATORY} ${REST}`, `system/Observation.rs ${REST}`)

    expect(await exportedNames(wide)).not.toContain('Observation/vital')
    expect(await exportedNames(narrow)).not.toContain('Observation/vital')
  })

  test('may not read, search or change single resources by it', async () => {
    const headers = await login(`${LABORATORY} ${REST}`)

    for (const id of ['lab', 'vital']) {
      const { status } = await secure.provider.request(`/Observation/${id}`, { headers })
      expect([id, status]).toEqual([id, 403])
    }
  })

  test('is not told of deletions that it may not know of', async () => {
    const all = await login('system/*.cruds')
    const headers = await login(`${LABORATORY} ${REST}`)
    const { manifest } = await exportAll(secure.provider, { path: '/$export', headers: all })
    await delay(2)
    for (const id of ['lab-gone', 'vital-gone']) {
      const removed = { method: 'DELETE', headers: all }
      expect((await secure.provider.request(`/Observation/${id}`, removed)).status).toBe(204)
    }

    const path = `/Patient/$export?_since=${encodeURIComponent(manifest.transactionTime)}`
    const delta = await exportAll(secure.provider, { path, headers })

    const deleted = await Promise.all(
      (delta.manifest.deleted ?? []).map(async ({ url }) => {
        const answer = await secure.provider.request(pathOf(url), { headers })
        return answer.body.toString()
      }),
    )
    expect(deleted.join()).not.toContain('vital-gone')
  })
})

describe('another token of the same client', () => {
  interface Owned {
    readonly statusPath: string
    readonly filePath: string
    readonly login: (scope: string) => Promise<Authorization>
  }

  /** An export under a scope, and logins of the client that owns it. */
  async function owned(scope: string): Promise<Owned> {
    const client = await addClient({ scopes: `system/*.rs`, groups: ['*'] })
    const headers = await secure.login(client, scope)
    const input = { path: '/Patient/$export?_type=Observation', headers }
    const accepted = await kickOff(secure.provider, input)
    const { manifest } = await exportAll(secure.provider, input)
    return {
      statusPath: pathOf(accepted.headers['content-location'] ?? ''),
      filePath: pathOf(manifest.output[0]?.url ?? ''),
      login: (asked) => secure.login(client, asked),
    }
  }

  test.each([
    ['with the same constraint', `${LABORATORY} ${REST}`, 200],
    ['with more constraints', `${LABORATORY} ${VITALS} ${REST}`, 200],
    ['without constraint', `system/Observation.rs ${REST}`, 200],
    ['with another constraint', `${VITALS} ${REST}`, 403],
    ['without the type', REST, 403],
  ])('%s: %s gets %i of an export that was restricted', async (_, scope, expected) => {
    const { statusPath, filePath, login: asOwner } = await owned(`${LABORATORY} ${REST}`)
    const headers = await asOwner(scope)

    const status = await secure.provider.request(statusPath, { headers })
    const file = await secure.provider.request(filePath, { headers })

    // Whichever it is at this moment, it is told.
    const told = status.status === 202 ? 200 : status.status
    expect([told, file.status]).toEqual([expected, expected])
  })

  test('with a constraint gets nothing of an export that was not restricted', async () => {
    const { statusPath, filePath, login: asOwner } = await owned(`system/Observation.rs ${REST}`)
    const headers = await asOwner(`${LABORATORY} ${REST}`)

    const removed = await secure.provider.request(statusPath, { method: 'DELETE', headers })

    expect((await secure.provider.request(statusPath, { headers })).status).toBe(403)
    expect((await secure.provider.request(filePath, { headers })).status).toBe(403)
    expect(removed.status).toBe(403)
  })

  test('of another client, with every right, finds nothing', async () => {
    const { statusPath, filePath } = await owned(`${LABORATORY} ${REST}`)
    const headers = await login('system/*.cruds')

    for (const path of [statusPath, filePath]) {
      expect((await secure.provider.request(path, { headers })).status).toBe(404)
    }
  })
})

describe('a registration', () => {
  const registration = async (scopes: string): Promise<string> => {
    const keys = { jwks: publicJwks([await PrivateKey.generate('ES384', new Date())]) }
    const options = { now: () => new Date(), supportsConstraint }
    return newRegistration({ name: 'x', keys, scopes, groups: [] }, options).scopes
  }

  test('takes constraints that the server honours', async () => {
    expect(await registration(LABORATORY)).toBe(LABORATORY)
  })

  test.each([
    'system/Observation.rs?nonsense=1',
    'system/Observation.rs?subject.name=x',
    'system/Observation.rs?code:in=http://x',
    'system/*.rs?category=laboratory',
  ])('does not take %s', async (scope) => {
    await expect(registration(scope)).rejects.toMatchObject({ code: 'REGISTRATION_INVALID' })
  })

  test('no token is granted for a constraint that cannot be honoured', async () => {
    const client = await addClient({ scopes: 'system/*.rs', groups: ['*'] })
    const assertion = await secure.assertion(client)

    const answer = await secure.requestToken(
      tokenForm(assertion, 'system/Observation.rs?subject.name=x'),
    )

    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_scope'])
  })
})
