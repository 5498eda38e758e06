import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSecureProvider, type SecureProvider } from '../access/secure-provider.ts'
import type { Received, Sent } from './send.ts'
import { eventually } from './test-provider.ts'

const FILTER_URL = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter'
const JSON_BODY = { 'content-type': 'application/fhir+json' }

let secure: SecureProvider

beforeAll(async () => {
  secure = await startSecureProvider()
  const people = [
    { resourceType: 'Patient', id: 'a', gender: 'female' },
    { resourceType: 'Patient', id: 'b', gender: 'male' },
    { resourceType: 'Group', id: 'secret', type: 'person', actual: true },
  ] as const
  await secure.provider.resources.write(
    people.map((one) => ({
      kind: 'update',
      type: one.resourceType,
      id: one.id,
      body: Buffer.from(JSON.stringify(one)),
    })),
  )
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
})

type Ask = (path: string, sent?: Sent & { readonly json?: object }) => Promise<Received>

async function client(scopes = 'system/*.cruds'): Promise<Ask> {
  const registered = await secure.addClient({ scopes, groups: [] })
  const authorization = await secure.login(registered, scopes)
  return (path, { json, ...sent } = {}) =>
    secure.provider.request(path, {
      ...sent,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      headers: { ...authorization, ...(json !== undefined && JSON_BODY), ...sent.headers },
    })
}

function cohort(expression: string, rest: object = {}): object {
  const valueExpression = { language: 'application/x-fhir-query', expression }
  return {
    resourceType: 'Group',
    type: 'person',
    actual: false,
    name: 'Cohort of women',
    modifierExtension: [{ url: FILTER_URL, valueExpression }],
    ...rest,
  }
}

async function create(ask: Ask, json: object): Promise<string> {
  const created = await ask('/Group', { method: 'POST', json })
  expect(created.status).toBe(201)
  return String(created.json()['id'])
}

function pathOf(url: string | undefined): string {
  return new URL(url ?? '').pathname.replace(/^\/fhir/, '')
}

async function exportedIds(ask: Ask, groupId: string): Promise<readonly string[]> {
  const path = `/Group/${groupId}/$export?_type=Patient`
  const accepted = await ask(path, { headers: { prefer: 'respond-async' } })
  expect(accepted.status).toBe(202)
  const status = pathOf(accepted.headers['content-location'])
  const manifest = await eventually(async () => {
    const answer = await ask(status)
    return answer.status === 200 ? answer : undefined
  })
  const { output } = manifest.json() as { output: { url: string }[] }
  const files = await Promise.all(output.map(({ url }) => ask(pathOf(url))))
  const lines = files.flatMap(({ body }) => body.toString('utf8').trim().split('\n'))
  return lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()
}

describe('a Group that a client created', () => {
  test('can be read, found by its name, exported, changed and deleted by it, and by nobody else', async () => {
    const [mine, other] = [await client(), await client()]
    const id = await create(mine, cohort('Patient?gender=female'))

    expect((await mine(`/Group/${id}`)).status).toBe(200)
    expect((await mine('/Group?name=cohort')).json()['total']).toBe(1)
    expect(await exportedIds(mine, id)).toEqual(['a'])
    expect((await other('/Group?name=cohort')).json()['total']).toBe(0)
    for (const method of ['GET', 'DELETE']) {
      expect((await other(`/Group/${id}`, { method })).status).toBe(404)
    }
    const json = cohort('Patient?gender=male', { id })
    expect((await mine(`/Group/${id}`, { method: 'PUT', json })).status).toBe(200)
    expect(await exportedIds(mine, id)).toEqual(['b'])
    expect((await mine(`/Group/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await mine(`/Group/${id}`)).status).toBe(410)
  })

  test('needs a scope', async () => {
    const ask = await client('system/*.rs')

    const answer = await ask('/Group', { method: 'POST', json: cohort('Patient') })

    expect(answer.status).toBe(403)
  })

  test('in a transaction is the client’s, too', async () => {
    const ask = await client()
    const request = { method: 'POST', url: 'Group' }
    const json = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: cohort('Patient'), request }],
    }

    const answer = await ask('', { method: 'POST', json })

    expect(answer.status).toBe(200)
    const { entry } = answer.json() as { entry: { response: { location: string } }[] }
    const location = pathOf(entry[0]?.response.location).replace(/\/_history.*/, '')
    expect((await ask(location)).status).toBe(200)
  })

  test.each([
    ['of another Group', { member: [{ entity: { reference: 'Group/secret' } }], actual: true }],
    [
      'of a Group that is not there',
      { member: [{ entity: { reference: 'Group/no' } }], actual: true },
    ],
  ])('cannot have the members %s', async (_, rest) => {
    const ask = await client()

    const answer = await ask('/Group', { method: 'POST', json: cohort('Patient', rest) })

    expect(answer.status).toBe(403)
    expect(answer.body.toString()).not.toContain('secret')
  })

  test('cannot search what the scopes do not show', async () => {
    const ask = await client('system/Group.cruds')

    const answer = await ask('/Group', { method: 'POST', json: cohort('Condition?code=1') })

    expect(answer.status).toBe(403)
  })

  test('has filters that are supported, or is refused with a reason', async () => {
    const ask = await client()

    const answer = await ask('/Group', { method: 'POST', json: cohort('Patient?shoe=44') })

    expect(answer.status).toBe(400)
    expect(answer.body.toString()).toMatch(/member-filter|modifierExtension\[0\].*shoe/)
  })
})

describe('an asynchronous write of a Group', () => {
  test('tells its result at a status URL of the client’s own', async () => {
    const [mine, other] = [await client(), await client()]
    const prefer = { prefer: 'respond-async' }

    const accepted = await mine('/Group', {
      method: 'POST',
      json: cohort('Patient'),
      headers: prefer,
    })
    const path = pathOf(accepted.headers['content-location'])
    const status = await mine(path)

    expect(accepted.status).toBe(202)
    expect(status.status).toBe(200)
    const bundle = status.json() as { type: string; entry: { response: { location: string } }[] }
    expect(bundle).toMatchObject({
      type: 'batch-response',
      entry: [{ response: { status: '201 Created', etag: 'W/"1"' } }],
    })
    const location = pathOf(bundle.entry[0]?.response.location).replace(/\/_history.*/, '')
    expect((await mine(location)).status).toBe(200)
    expect((await other(path)).status).toBe(404)
    expect((await mine(path.replace(/1$/, '2'))).status).toBe(404)
    expect((await mine(path, { method: 'DELETE' })).status).toBe(202)
  })

  test('that cannot be carried out is refused at once', async () => {
    const ask = await client()
    const headers = { prefer: 'respond-async' }

    const answer = await ask('/Group', { method: 'POST', json: cohort('Nothing'), headers })

    expect(answer.status).toBe(400)
  })
})

describe('$member-add and $member-remove', () => {
  const parameters = (...ids: readonly string[]): object => ({
    resourceType: 'Parameters',
    parameter: ids.map((id) => ({
      name: 'patientReference',
      valueReference: { reference: `Patient/${id}` },
    })),
  })
  const roster = { resourceType: 'Group', type: 'person', actual: true }

  test('change who is exported, and tell the new version', async () => {
    const ask = await client()
    const id = await create(ask, roster)

    const added = await ask(`/Group/${id}/$member-add`, {
      method: 'POST',
      json: parameters('a', 'b'),
    })
    const removed = await ask(`/Group/${id}/$member-remove`, {
      method: 'POST',
      json: parameters('a'),
      headers: { 'if-match': 'W/"2"' },
    })

    expect([added.status, added.headers.etag]).toEqual([200, 'W/"2"'])
    expect([removed.status, removed.headers.etag]).toEqual([200, 'W/"3"'])
    expect(await exportedIds(ask, id)).toEqual(['b'])
  })

  test('heed If-Match, the Group’s owner, and the scopes', async () => {
    const [mine, other, reader] = [await client(), await client(), await client('system/*.rs')]
    const id = await create(mine, roster)
    const add = (ask: Ask, headers = {}): Promise<Received> =>
      ask(`/Group/${id}/$member-add`, { method: 'POST', json: parameters('a'), headers })

    expect((await add(mine, { 'if-match': 'W/"7"' })).status).toBe(412)
    expect((await add(other)).status).toBe(404)
    expect((await add(reader)).status).toBe(403)
  })

  test.each<[string, object]>([
    ['no Parameters', { resourceType: 'Patient' }],
    ['no member', { resourceType: 'Parameters', parameter: [] }],
    ['another parameter', { resourceType: 'Parameters', parameter: [{ name: 'memberId' }] }],
    [
      'no Patient',
      {
        resourceType: 'Parameters',
        parameter: [{ name: 'patientReference', valueReference: { reference: 'Group/secret' } }],
      },
    ],
  ])('refuse %s', async (_, json) => {
    const ask = await client()
    const id = await create(ask, roster)

    expect((await ask(`/Group/${id}/$member-add`, { method: 'POST', json })).status).toBe(400)
  })
})
