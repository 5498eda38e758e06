import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  eventually,
  FHIR,
  resource,
  startTestProvider,
  type TestProvider,
} from './test-provider.ts'
import type { Received } from './send.ts'

const ASYNC = { prefer: 'respond-async' }
let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  for (const body of [
    resource('Patient', { id: 'p1' }),
    resource('Observation', { id: 'o1', subject: { reference: 'Patient/p1' } }),
    resource('Group', { id: 'g1', member: [{ entity: { reference: 'Patient/p1' } }] }),
    resource('Group', { id: 'gone' }),
  ]) {
    const { resourceType, id } = JSON.parse(body.toString()) as Record<string, string>
    const put = await provider.request(`/${resourceType}/${id}`, {
      method: 'PUT',
      headers: FHIR,
      body,
    })
    expect(put.status).toBe(201)
  }
  await provider.request('/Group/gone', { method: 'DELETE' })
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function outcomeText(received: Received): string {
  expect(received.headers['content-type']).toBe('application/fhir+json')
  const { resourceType, issue } = received.json() as {
    resourceType: string
    issue: { diagnostics: string }[]
  }
  expect(resourceType).toBe('OperationOutcome')
  return issue.map(({ diagnostics }) => diagnostics).join()
}

describe('a kick-off request', () => {
  test.each(['/$export', '/Patient/$export', '/Group/g1/$export', '/Patient/%24export'])(
    'to %s by GET is accepted with an absolute Content-Location',
    async (path) => {
      const answer = await provider.request(path, { headers: ASYNC })

      expect(answer.status).toBe(202)
      expect(answer.headers['content-location']).toMatch(
        new RegExp(`^${provider.url}/bulk-status/[0-9a-f]{32}$`),
      )
      expect(outcomeText(answer)).toContain('begun')
    },
  )

  test.each(['/$export', '/Patient/$export', '/Group/g1/$export'])(
    'to %s by POST of Parameters is accepted',
    async (path) => {
      const body = resource('Parameters', {
        parameter: [{ name: '_type', valueString: 'Patient' }],
      })

      const answer = await provider.request(path, {
        method: 'POST',
        headers: { ...ASYNC, ...FHIR },
        body,
      })

      expect(answer.status).toBe(202)
    },
  )

  test('by POST without a body asks for everything', async () => {
    const answer = await provider.request('/$export', { method: 'POST', headers: ASYNC })

    expect(answer.status).toBe(202)
  })

  test.each([
    ['*/*', 202],
    ['application/fhir+json', 202],
    ['text/html, application/*;q=0.1', 202],
    ['application/json', 400],
    ['application/fhir+ndjson', 400],
    ['application/fhir+json;q=0', 400],
  ])('with Accept: %s is answered with %i', async (accept, status) => {
    const answer = await provider.request('/$export', { headers: { ...ASYNC, accept } })

    expect(answer.status).toBe(status)
    outcomeText(answer)
  })

  test.each([undefined, 'handling=lenient', 'respond-sync', 'return=minimal'])(
    'with Prefer: %s is a 400 that says what is missing',
    async (prefer) => {
      const answer = await provider.request('/$export', {
        headers: prefer === undefined ? {} : { prefer },
      })

      expect(answer.status).toBe(400)
      expect(outcomeText(answer)).toContain('respond-async')
    },
  )

  test.each([
    'respond-async, handling=lenient',
    'handling=strict, respond-async; wait=10',
    'respond-async, separate-export-status',
  ])('with Prefer: %s is accepted', async (prefer) => {
    expect((await provider.request('/$export', { headers: { prefer } })).status).toBe(202)
  })

  test.each([
    ['_since=2999-01-01T00:00:00Z', '_since'],
    ['_since=yesterday', '_since'],
    ['_type=Patient,NoSuchType', '_type'],
    ['_outputFormat=text/csv', '_outputFormat'],
    ['_elements=noSuchElement', '_elements'],
    ['whatever=1', 'whatever'],
  ])('with %s is a 400 that names the parameter', async (query, name) => {
    const answer = await provider.request(`/$export?${query}`, { headers: ASYNC })

    expect(answer.status).toBe(400)
    expect(outcomeText(answer)).toContain(name)
  })

  test.each([
    'application/fhir+ndjson',
    'application/fhir%2Bndjson',
    'application/ndjson',
    'ndjson',
  ])('with _outputFormat=%s is accepted', async (format) => {
    const answer = await provider.request(`/$export?_outputFormat=${format}`, { headers: ASYNC })

    expect(answer.status).toBe(202)
  })

  test.each(['unknown', 'gone', 'a%2f..%2fg1', '%00', 'a'.repeat(65)])(
    'for the Group %s is a 404',
    async (id) => {
      const answer = await provider.request(`/Group/${id}/$export`, { headers: ASYNC })

      expect(answer.status).toBe(404)
      expect(outcomeText(answer)).toBe('There is no such Group')
    },
  )

  test.each([
    ['half an object', '{"resourceType"', 400],
    ['an array', '[]', 400],
    ['a Patient', '{"resourceType":"Patient"}', 400],
    [
      'more than 16 MiB',
      `{"resourceType":"Parameters","x":"${'y'.repeat(16 * 1024 * 1024)}"}`,
      413,
    ],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400],
  ])('by POST of %s is refused', async (_what, body, status) => {
    const headers = { ...ASYNC, ...FHIR }

    const answer = await provider.request('/$export', { method: 'POST', headers, body })

    expect(answer.status).toBe(status)
    outcomeText(answer)
  })

  test('by POST with parameters in the URL is refused rather than exporting more than asked for', async () => {
    const answer = await provider.request('/$export?_type=Patient', {
      method: 'POST',
      headers: ASYNC,
    })

    expect(answer.status).toBe(400)
  })

  test('by POST of another content type is a 415', async () => {
    const headers = { ...ASYNC, 'content-type': 'application/x-www-form-urlencoded' }

    const answer = await provider.request('/$export', {
      method: 'POST',
      headers,
      body: '_type=Patient',
    })

    expect(answer.status).toBe(415)
    outcomeText(answer)
  })
})

describe('a status request', () => {
  test('is a 202 with progress while the job is young, and then the manifest', async () => {
    const minimumInProgressMs = 60_000
    let aheadMs = 0
    const clock = (): Date => new Date(Date.now() + aheadMs)
    await using young = await startTestProvider({ jobs: { minimumInProgressMs, clock } })
    const body = resource('Patient', { id: 'a' })
    await young.request('/Patient/a', { method: 'PUT', headers: FHIR, body })
    const { headers } = await young.request('/$export', { headers: ASYNC })
    const path = new URL(headers['content-location'] ?? '').pathname.slice('/fhir'.length)

    const first = await young.request(path)
    aheadMs = minimumInProgressMs

    expect(first.status).toBe(202)
    expect(first.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    expect(first.headers['x-progress']).toMatch(/^.{1,99}$/)
    const last = await eventually(async () => {
      const status = await young.request(path)
      return status.status === 202 ? undefined : status
    })
    expect(last.status).toBe(200)
  })

  test('of a complete job has everything that the manifest must have', async () => {
    const before = Date.now()

    const status = await provider.exported('/Patient/$export?_type=Patient,Observation')

    expect(status.status).toBe(200)
    expect(status.headers['content-type']).toBe('application/json')
    expect(Date.parse(status.headers['expires'] ?? '')).toBeGreaterThan(before)
    expect(status.headers['expires']).toMatch(/GMT$/)
    const manifest = status.json()
    expect(manifest).toMatchObject({
      request: `${provider.url}/Patient/$export?_type=Patient,Observation`,
      requiresAccessToken: false,
      deleted: [],
      error: [],
    })
    expect(manifest['transactionTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const output = manifest['output'] as Record<string, unknown>[]
    expect(output.map(({ type }) => type).sort()).toEqual(['Observation', 'Patient'])
    for (const file of output) {
      expect(file['count']).toBe(1)
      expect(file['url']).toMatch(
        new RegExp(`^${provider.url}/bulk-files/[0-9a-f]{32}/[0-9a-f]{32}$`),
      )
      expect(Object.keys(file['extension'] as object)).toHaveLength(2)
    }
  })

  test('of a lenient job has an error file that names what was ignored', async () => {
    const status = await provider.exported('/$export?whatever=1', {
      prefer: 'respond-async, handling=lenient',
    })

    const [file] = status.json()['error'] as { type: string; url: string }[]
    expect(file?.type).toBe('OperationOutcome')
    const content = await provider.request(new URL(file?.url ?? '').pathname.slice('/fhir'.length))
    expect(content.body.toString()).toContain('whatever')
  })

  test.each(['0'.repeat(32), 'x', '0'.repeat(33), 'A'.repeat(32), '..%2f..', '%00'])(
    'of the unknown job %s is a 404',
    async (id) => {
      const answer = await provider.request(`/bulk-status/${id}`)

      expect(answer.status).toBe(404)
      outcomeText(answer)
    },
  )
})

test('a deleted export is gone with its files, and deleting it again is a 404', async () => {
  const { headers } = await provider.request('/$export?_type=Patient', { headers: ASYNC })
  const path = new URL(headers['content-location'] ?? '').pathname.slice('/fhir'.length)
  const complete = await eventually(async () => {
    const status = await provider.request(path)
    return status.status === 202 ? undefined : status
  })
  const [file] = complete.json()['output'] as { url: string }[]
  const filePath = new URL(file?.url ?? '').pathname.slice('/fhir'.length)
  expect((await provider.request(filePath)).status).toBe(200)

  const deleted = await provider.request(path, { method: 'DELETE' })

  expect(deleted.status).toBe(202)
  for (const gone of [
    await provider.request(path),
    await provider.request(filePath),
    await provider.request(path, { method: 'DELETE' }),
  ]) {
    expect(gone.status).toBe(404)
    outcomeText(gone)
  }
})

test('an export can be deleted while it runs', async () => {
  const { headers } = await provider.request('/$export', { headers: ASYNC })
  const path = new URL(headers['content-location'] ?? '').pathname.slice('/fhir'.length)

  expect((await provider.request(path, { method: 'DELETE' })).status).toBe(202)

  expect((await provider.request(path)).status).toBe(404)
})

test('behind a proxy every URL begins with the public base', async () => {
  const baseUrl = 'https://bulk.example.org/api/fhir/'
  await using proxied = await startTestProvider({ provider: { baseUrl } })
  await proxied.request('/Patient/a', {
    method: 'PUT',
    headers: FHIR,
    body: resource('Patient', { id: 'a' }),
  })

  const accepted = await proxied.request('/$export', { headers: ASYNC })

  expect(accepted.headers['content-location']).toMatch(
    /^https:\/\/bulk\.example\.org\/api\/fhir\/bulk-status\//,
  )
})

test('_since may be the transaction time of an export, whatever the clock says by then', async () => {
  const clock = (): Date => new Date(Date.now() - 3_600_000)
  await using behind = await startTestProvider({ provider: { clock } })
  const { transactionTime } = (await behind.exported('/$export')).json()

  const answer = await behind.request(`/$export?_since=${String(transactionTime)}`, {
    headers: ASYNC,
  })

  expect(answer.status).toBe(202)
})
