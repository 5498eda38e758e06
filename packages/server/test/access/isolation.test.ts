import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, type Received } from '../http/send.ts'
import { eventually, FHIR, resource } from '../http/test-provider.ts'
import {
  exportAndWait,
  pathOf,
  startSecureProvider,
  type Authorization,
  type FinishedExport,
  type SecureProvider,
} from './secure-provider.ts'

/** In nothing that the stranger may see. */
const MARKER = 'only-for-the-owner'

let secure: SecureProvider
let owner: Authorization
let stranger: Authorization
let narrow: Authorization
let job: FinishedExport

beforeAll(async () => {
  secure = await startSecureProvider()
  const ownerClient = await secure.addClient({ name: MARKER, groups: ['own'] })
  owner = await secure.login(ownerClient)
  narrow = await secure.login(ownerClient, 'system/Observation.read')
  stranger = await secure.login(
    await secure.addClient({
      groups: ['mine', 'mine2'],
      scopes: 'system/Patient.rs system/Group.cruds system/Encounter.cruds',
    }),
    'system/*.cruds',
  )
  await seed()
  job = await exportAndWait(secure, '/$export?_since=2020-01-01T00:00:00Z&madeUp=1', owner)
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
})

async function seed(): Promise<void> {
  const member = [{ entity: { reference: 'Patient/p', display: MARKER } }]
  const roster = { type: 'person', actual: true }
  const resources = [
    ['Patient', 'p', {}],
    ['Encounter', 'e', { subject: { reference: 'Patient/p' } }],
    ['Observation', 'o', { subject: { reference: 'Patient/p', display: MARKER } }],
    ['Observation', 'gone', { subject: { reference: 'Patient/p', display: MARKER } }],
    ['Group', 'own', { ...roster, name: MARKER, member }],
    [
      'Group',
      'mine',
      { ...roster, name: 'Mine', member: [{ entity: { reference: 'Patient/p' } }] },
    ],
    ['Group', 'mine2', { ...roster, name: 'Mine' }],
  ] as const
  for (const [type, id, content] of resources) {
    const body = resource(type, { id, ...content })
    await secure.provider.resources.write([{ kind: 'update', type, id, body }])
  }
  await secure.provider.resources.write([{ kind: 'delete', type: 'Observation', id: 'gone' }])
}

/** Half of a surrogate pair becomes a replacement character. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

function types({ files }: FinishedExport): string[] {
  return files
    .filter(({ kind }) => kind === 'output')
    .map(({ type }) => type)
    .toSorted()
}

describe('the effective types', () => {
  test('are what the token may read, where the request names none', async () => {
    const system = await exportAndWait(secure, '/$export', stranger)
    const patient = await exportAndWait(secure, '/Patient/$export', stranger)
    const group = await exportAndWait(secure, '/Group/mine/$export', stranger)

    for (const exported of [system, patient, group]) {
      expect(types(exported)).toEqual(['Encounter', 'Patient'])
      for (const { path } of exported.files) {
        const file = await secure.provider.request(path, { headers: stranger })
        expect(file.status).toBe(200)
        expect(file.body.toString()).not.toContain(MARKER)
      }
    }
  })

  test('stay what they were at kick-off, so that a wider token later makes no difference', async () => {
    const client = await secure.addClient()
    const before = await secure.login(client, 'system/Patient.rs')
    const { statusPath } = await exportAndWait(secure, '/$export', before)

    const after = await secure.login(client, 'system/*.rs')
    const manifest = (await secure.provider.request(statusPath, { headers: after })).json()

    expect(manifest['output']).toMatchObject([{ type: 'Patient' }])
    expect(manifest['output']).toHaveLength(1)
  })

  test('of deletions are those of the export', async () => {
    const query = '/$export?_since=2020-01-01T00:00:00Z'
    const { files } = await exportAndWait(secure, query, stranger)

    expect(files.filter(({ kind }) => kind === 'deleted')).toEqual([])
  })

  test('never have Groups for a client that may not see every roster', async () => {
    const everything = await exportAndWait(secure, '/$export', owner)
    const all = await secure.login(await secure.addClient({ groups: ['*'] }))
    const asked = await secure.provider.request('/$export?_type=Patient,Group', {
      headers: { prefer: 'respond-async', ...owner },
    })

    expect(types(everything)).not.toContain('Group')
    expect(types(await exportAndWait(secure, '/$export', all))).toContain('Group')
    expect(asked.status).toBe(403)
    expect(asked.body.toString()).toContain('to export Group here')
  })
})

test('a token that reads Observation gets the file of Observation and nothing else', async () => {
  const statuses: Record<string, number> = {}
  for (const { kind, type, path } of job.files) {
    const { status } = await secure.provider.request(path, { headers: narrow })
    statuses[`${kind} ${type}`] = status
  }

  expect(statuses).toEqual({
    'output Encounter': 403,
    'output Observation': 200,
    'output Patient': 403,
    'deleted Bundle': 403,
    'error OperationOutcome': 200,
  })
  expect((await secure.provider.request(job.statusPath, { headers: narrow })).status).toBe(403)
  const deletion = { method: 'DELETE', headers: narrow }
  expect((await secure.provider.request(job.statusPath, deletion)).status).toBe(403)
})

describe('a search on Group', () => {
  const search = async (path: string, headers: Authorization): Promise<Received> =>
    secure.provider.request(path, { headers })
  const idsOf = (answer: Received): string[] =>
    ((answer.json()['entry'] ?? []) as { resource: { id: string } }[]).map(
      ({ resource: { id } }) => id,
    )

  test('shows and counts the Groups of the client alone', async () => {
    const all = await search('/Group', stranger)
    const named = await search('/Group?_id=own,mine', stranger)
    const byName = await search(`/Group?name=${MARKER}`, stranger)
    const none = await secure.login(await secure.addClient({ groups: [] }))

    expect([all.json()['total'], idsOf(all)]).toEqual([2, ['mine', 'mine2']])
    expect([named.json()['total'], idsOf(named)]).toEqual([1, ['mine']])
    expect(byName.json()['total']).toBe(0)
    expect((await search('/Group', none)).json()['total']).toBe(0)
  })

  test('has links to further pages for the client alone', async () => {
    const first = await search('/Group?_count=1', stranger)
    const links = first.json()['link'] as { relation: string; url: string }[]
    const next = new URL(links.find(({ relation }) => relation === 'next')?.url ?? '')
    const path = pathOf(next.href) + next.search

    expect(idsOf(first)).toEqual(['mine'])
    expect(idsOf(await search(path, stranger))).toEqual(['mine2'])
    expect((await search(path, owner)).status).toBe(400)
  })
})

describe('a Bundle', () => {
  const post = (type: string, entries: readonly object[]): Promise<Received> =>
    secure.provider.request('', {
      method: 'POST',
      headers: { ...FHIR, ...stranger },
      body: resource('Bundle', { type, entry: entries }),
    })
  const encounter = {
    request: { method: 'PUT', url: 'Encounter/written' },
    resource: { resourceType: 'Encounter', id: 'written' },
  }

  test.each(['batch', 'transaction'])('%s is refused whole for one entry', async (type) => {
    const refused = [
      [403, { request: { method: 'DELETE', url: 'Observation/o' } }],
      [403, { request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } }],
      [404, { request: { method: 'DELETE', url: 'Group/own' } }],
      [404, { request: { method: 'PUT', url: 'Group/own' }, resource: { resourceType: 'Group' } }],
      [400, { request: { method: 'GET', url: 'Observation/o' } }],
      [400, { request: { method: 'DELETE', url: 'Observation?_id=o' } }],
      [400, { request: { method: 'DELETE', url: '/Observation/o' } }],
      [400, {}],
    ] as const

    for (const [status, entry] of refused) {
      const answer = await post(type, [encounter, entry])
      expect(answer.status).toBe(status)
      expect(answer.body.toString()).toContain('Bundle.entry[1]')
    }

    const { resources } = secure.provider
    expect((await resources.read('Encounter', 'written')).state).toBe('unknown')
    expect((await resources.read('Observation', 'o')).state).toBe('found')
    expect((await resources.read('Group', 'own')).state).toBe('found')
  })

  test('within the rights is carried out', async () => {
    expect((await post('transaction', [encounter])).status).toBe(200)
    const again = { ...encounter, request: { method: 'DELETE', url: 'Encounter/written' } }
    expect((await post('batch', [again])).status).toBe(200)
  })
})

test('whatever a stranger asks, it is answered below 500 and shows nothing of the owner', async () => {
  const secrets = [
    MARKER,
    job.jobId,
    ...job.files.map(({ path }) => path.split('/').at(-1) ?? ''),
  ].map((text) => Buffer.from(text))
  const [patients, ...others] = job.files.map(({ path }) => path)
  const path = fc.oneof(
    fc.constantFrom(
      job.statusPath,
      patients ?? '',
      ...others,
      `${job.statusPath}/`,
      '/Group/own',
      '/Group/own/$export',
      '/Group/own/_history/1',
      '/Group?_id=own',
      '/Group',
      '/Group/_search',
      '/Observation/o',
      '/Observation',
      '/Patient/p',
      '/$export',
      '/$export?_type=Observation',
      '/$export?_type=Group',
      '/Patient/$export?_type=Observation',
      '/Patient/p/../../Group/own',
      '/Patient/%2e%2e/Group/own',
      '',
      '/auth/token',
      '/metadata',
      '/.well-known/smart-configuration',
    ),
    fc.string({ maxLength: 10 }).map((text) => `/${encodeURIComponent(wellFormed(text))}`),
  )
  const authorization = fc.oneof(
    { weight: 6, arbitrary: fc.constant(stranger.authorization) },
    fc.constantFrom(undefined, 'Bearer', 'Bearer x', 'Basic eDp5', 'bearer  ', 'Bearer ='),
    fc.stringMatching(/^[!-~]{0,20}$/).map((text) => `Bearer ${text}`),
  )
  const extra = fc.constantFrom<Record<string, string>>(
    {},
    { prefer: 'respond-async' },
    { prefer: 'respond-async, handling=lenient' },
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-http-method-override': 'GET' },
    { range: 'bytes=0-10' },
    { 'if-none-match': '*' },
    { 'if-match': 'W/"1"' },
    { host: 'example.org' },
    { 'x-forwarded-host': 'example.org', 'x-forwarded-proto': 'https' },
  )
  const entry = (method: string, url: string): object => ({
    request: { method, url },
    resource: { resourceType: url.split('/')[0] ?? '', id: url.split('/')[1] },
  })
  const body = fc.option(
    fc.oneof(
      fc.constantFrom(
        '{"resourceType":"Group","id":"own"}',
        '{"resourceType":"Patient","id":"p"}',
        '{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Observation"}]}',
        '{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/p"}}]}',
        '_id=own',
        'grant_type=client_credentials',
        resource('Bundle', { type: 'batch', entry: [entry('PUT', 'Group/own')] }).toString(),
        resource('Bundle', { type: 'batch', entry: [entry('GET', 'Group/own')] }).toString(),
        resource('Bundle', {
          type: 'transaction',
          entry: [entry('PUT', 'Encounter/z')],
        }).toString(),
      ),
      fc.json({ maxDepth: 2 }),
    ),
    { nil: undefined },
  )
  const contentType = fc.constantFrom(
    'application/fhir+json',
    'application/x-www-form-urlencoded',
    'text/plain',
  )
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS')

  await fc.assert(
    fc.asyncProperty(
      fc.tuple(method, path),
      fc.tuple(authorization, extra, contentType),
      body,
      async ([verb, target], [credentials, headers, type], content) => {
        const answer = await send(secure.provider.port, {
          method: verb,
          path: `/fhir${target}`,
          headers: {
            ...headers,
            ...(credentials !== undefined && { authorization: credentials }),
            ...(content !== undefined && { 'content-type': type }),
          },
          body: content === undefined ? undefined : wellFormed(content),
        })

        expect(answer.status).toBeLessThan(500)
        for (const secret of secrets) expect(answer.body.includes(secret)).toBe(false)
        expect(JSON.stringify(answer.headers)).not.toContain(MARKER)
      },
    ),
    { numRuns: 1200 },
  )

  const manifest = await eventually(async () => {
    const { status } = await secure.provider.request(job.statusPath, { headers: owner })
    return status === 202 ? undefined : status
  })
  expect(manifest).toBe(200)
  expect((await secure.provider.resources.read('Observation', 'o')).state).toBe('found')
})
