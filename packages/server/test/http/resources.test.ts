import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Received } from './send.ts'
import { FHIR, resource, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function put(
  id: string,
  content: object = {},
  headers: Record<string, string> = {},
): Promise<Received> {
  const body = resource('Patient', { id, ...content })
  return provider.request(`/Patient/${id}`, {
    method: 'PUT',
    headers: { ...FHIR, ...headers },
    body,
  })
}

function expectOutcome(answer: Received, status: number): void {
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toBe('application/fhir+json')
  expect(answer.json()['resourceType']).toBe('OperationOutcome')
}

describe('a resource', () => {
  test('is created, with its version in Location and ETag', async () => {
    const body = '{ "resourceType": "Observation", "valueQuantity": {"value": 1.50} }'

    const answer = await provider.request('/Observation', { method: 'POST', headers: FHIR, body })

    expect(answer.status).toBe(201)
    expect(answer.headers['etag']).toBe('W/"1"')
    expect(answer.headers['last-modified']).toMatch(/GMT$/)
    expect(answer.headers['location']).toMatch(
      new RegExp(`^${provider.url}/Observation/[A-Za-z0-9.-]{1,64}/_history/1$`),
    )
    expect(answer.body.toString()).toContain('"value": 1.50')
    const read = await provider.request(`/Observation/${String(answer.json()['id'])}`)
    expect(read.body.equals(answer.body)).toBe(true)
  })

  test('is created by an update, and updated by the next', async () => {
    const first = await put('u1', { gender: 'female' })
    const second = await put('u1', { gender: 'male' })
    const same = await put('u1', { gender: 'male' })

    expect([first.status, first.headers['etag']]).toEqual([201, 'W/"1"'])
    expect([second.status, second.headers['etag']]).toEqual([200, 'W/"2"'])
    expect([same.status, same.headers['etag']]).toEqual([200, 'W/"2"'])
    expect(second.headers['location']).toBeUndefined()
  })

  test('is read with validators, and not sent again to who has it', async () => {
    await put('r1')

    const read = await provider.request('/Patient/r1')
    const again = await provider.request('/Patient/r1', { headers: { 'if-none-match': 'W/"1"' } })
    const head = await provider.request('/Patient/r1', { method: 'HEAD' })

    expect([read.status, read.headers['etag']]).toEqual([200, 'W/"1"'])
    expect([again.status, again.body.length]).toEqual([304, 0])
    expect([head.status, head.body.length]).toEqual([200, 0])
    expect({ ...head.headers, date: '' }).toEqual({ ...read.headers, date: '' })
  })

  test('is gone after a delete, and can come back', async () => {
    await put('d1')

    const deleted = await provider.request('/Patient/d1', { method: 'DELETE' })
    const read = await provider.request('/Patient/d1')
    const again = await provider.request('/Patient/d1', { method: 'DELETE' })
    const unknown = await provider.request('/Patient/never', { method: 'DELETE' })
    const back = await put('d1')

    expect([deleted.status, deleted.body.length, deleted.headers['etag']]).toEqual([
      204,
      0,
      'W/"2"',
    ])
    expectOutcome(read, 410)
    expect([again.status, unknown.status]).toEqual([204, 204])
    expect([back.status, back.headers['etag']]).toEqual([201, 'W/"3"'])
  })

  test('is changed by If-Match only while the version is current', async () => {
    await put('m1', { gender: 'female' })
    await put('m1', { gender: 'male' })

    expectOutcome(await put('m1', { gender: 'other' }, { 'if-match': 'W/"1"' }), 412)
    expectOutcome(await put('m1', { gender: 'other' }, { 'if-match': '2' }), 400)
    expectOutcome(await put('m1', { gender: 'other' }, { 'if-match': '*' }), 400)
    expectOutcome(await put('nothing', {}, { 'if-match': 'W/"1"' }), 412)
    const remove = (version: string): Promise<Received> =>
      provider.request('/Patient/m1', { method: 'DELETE', headers: { 'if-match': version } })
    expectOutcome(await remove('W/"1"'), 412)
    expect((await put('m1', { gender: 'other' }, { 'if-match': 'W/"2"' })).status).toBe(200)
    expect((await remove('W/"3"')).status).toBe(204)
    expect((await provider.request('/Patient/nothing')).status).toBe(404)
  })

  test('written by many at a time with If-Match changes once', async () => {
    await put('c1')

    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        put(
          'c1',
          { gender: 'other', active: true, multipleBirthInteger: index },
          { 'if-match': 'W/"1"' },
        ),
      ),
    )

    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(412)])
  })

  test('is answered as Prefer asks', async () => {
    const minimal = await put('p1', {}, { prefer: 'return=minimal' })
    const outcome = await put('p2', {}, { prefer: 'return=OperationOutcome' })
    const representation = await put('p3', {}, { prefer: 'return=representation' })
    const deleted = await provider.request('/Patient/p1', {
      method: 'DELETE',
      headers: { prefer: 'return=OperationOutcome' },
    })

    expect([minimal.status, minimal.body.length, minimal.headers['etag']]).toEqual([
      201,
      0,
      'W/"1"',
    ])
    expectOutcome(outcome, 201)
    expect(representation.json()['resourceType']).toBe('Patient')
    expectOutcome(deleted, 200)
  })

  test.each([
    ['malformed JSON', '{"resourceType":"Patient"', 400],
    ['nothing', '', 400],
    ['an array', '[]', 400],
    ['another type', '{"resourceType":"Observation","id":"w1"}', 400],
    ['another id', '{"resourceType":"Patient","id":"w2"}', 400],
    ['no id', '{"resourceType":"Patient"}', 400],
    ['no UTF-8', Buffer.from('7b22ff223a317d', 'hex'), 400],
  ])('is not made of %s', async (_what, body, status) => {
    const answer = await provider.request('/Patient/w1', { method: 'PUT', headers: FHIR, body })

    expectOutcome(answer, status)
    expect((await provider.request('/Patient/w1')).status).toBe(404)
  })

  test.each([
    ['text/plain', {}],
    ['application/fhir+xml', {}],
    ['application/x-www-form-urlencoded', {}],
    ['application/fhir+json; charset=iso-8859-1', {}],
    ['application/fhir+json', { 'content-encoding': 'gzip' }],
  ])('is not taken as %s %o', async (contentType, more) => {
    const headers = { 'content-type': contentType, ...more }

    const answer = await provider.request('/Patient', { method: 'POST', headers, body: '{}' })

    expectOutcome(answer, 415)
  })

  test.each(['application/json', 'application/fhir+json; charset=UTF-8', 'Application/FHIR+JSON'])(
    'is taken as %s',
    async (contentType) => {
      const answer = await provider.request('/Patient', {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: resource('Patient'),
      })

      expect(answer.status).toBe(201)
    },
  )

  test('is not created conditionally, rather than twice', async () => {
    const headers = { ...FHIR, 'if-none-exist': 'identifier=1' }

    expectOutcome(
      await provider.request('/Patient', { method: 'POST', headers, body: resource('Patient') }),
      400,
    )
  })

  test.each([
    ['application/fhir+xml', '', 406],
    ['application/json', '', 200],
    ['text/html', '', 406],
    ['text/html', '?_format=json', 200],
    ['text/html', '?_format=application/fhir+json', 200],
    ['*/*', '?_format=xml', 406],
  ])('for Accept: %s and "%s" is a %i', async (accept, query, status) => {
    await put('a1')

    const answer = await provider.request(`/Patient/a1${query}`, { headers: { accept } })

    expect(answer.status).toBe(status)
  })

  test.each([
    ['/NoSuchType/1', 404],
    ['/patient/1', 404],
    ['/__proto__/1', 404],
    ['/Patient/never', 404],
    ['/Patient/..%2f..%2fetc', 400],
    ['/Patient/%00', 400],
    ['/Patient/%F0%9F%98%80', 400],
    [`/Patient/${'a'.repeat(65)}`, 400],
    ['/Patient/%zz', 400],
    ['/Patient/1/_history/1', 404],
    ['/..%2fetc/passwd', 404],
    ['/../../etc/passwd', 404],
  ])('at %s is a %i', async (path, status) => {
    expectOutcome(await provider.request(path), status)
  })
})

describe('a Bundle', () => {
  const post = (bundle: object, headers: Record<string, string> = {}): Promise<Received> =>
    provider.request('', {
      method: 'POST',
      headers: { ...FHIR, ...headers },
      body: resource('Bundle', bundle),
    })
  const entry = (method: string, url: string, content?: object): object => ({
    ...(content !== undefined && { resource: content }),
    request: { method, url },
  })

  test('that is a transaction takes effect with its links rewritten', async () => {
    const answer = await post({
      type: 'transaction',
      entry: [
        {
          fullUrl: 'urn:uuid:0e6b8b3c-7d2f-4d8e-9a51-6f1f1c0d5a01',
          ...entry('POST', 'Patient', { resourceType: 'Patient' }),
        },
        entry('PUT', 'Observation/t1', {
          resourceType: 'Observation',
          id: 't1',
          subject: { reference: 'urn:uuid:0e6b8b3c-7d2f-4d8e-9a51-6f1f1c0d5a01' },
        }),
        entry('DELETE', 'Patient/never'),
      ],
    })

    expect(answer.status).toBe(200)
    const bundle = answer.json()
    const responses = (bundle['entry'] as { response: Record<string, string> }[]).map(
      ({ response }) => response,
    )
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'transaction-response' })
    expect(responses.map(({ status }) => status)).toEqual([
      '201 Created',
      '201 Created',
      '204 No Content',
    ])
    expect(responses[0]).toMatchObject({ etag: 'W/"1"' })
    const location = responses[0]?.['location'] ?? ''
    const patient = /\/(Patient\/[^/]+)\/_history\/1$/.exec(location)?.[1] ?? 'none'
    expect((await provider.request('/Observation/t1')).body.toString()).toContain(`"${patient}"`)
  })

  test('that is a batch has an answer for each entry, with resources on request', async () => {
    const bundle = {
      type: 'batch',
      entry: [
        entry('PUT', 'Patient/b1', { resourceType: 'Patient', id: 'b1' }),
        entry('PUT', 'Patient/b2', { resourceType: 'Patient', id: 'other' }),
      ],
    }

    const answer = await post(bundle, { prefer: 'return=representation' })

    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({
      type: 'batch-response',
      entry: [
        { resource: { id: 'b1' }, response: { status: '201 Created' } },
        { response: { status: '400 Bad Request', outcome: { resourceType: 'OperationOutcome' } } },
      ],
    })
  })

  test('that is a transaction with a fault changes nothing and names the entry', async () => {
    const answer = await post({
      type: 'transaction',
      entry: [
        entry('PUT', 'Patient/x1', { resourceType: 'Patient', id: 'x1' }),
        entry('PUT', 'Patient/x2', { resourceType: 'Patient', id: 'other' }),
      ],
    })

    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body.toString()).toContain('Bundle.entry[1]')
    expect((await provider.request('/Patient/x1')).status).toBe(404)
  })

  test.each([{ type: 'searchset' }, {}, { type: 'transaction', entry: 1 }])(
    '%o is refused',
    async (bundle) => {
      const answer = await post(bundle)

      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(answer.json()['resourceType']).toBe('OperationOutcome')
    },
  )
})

describe('a search', () => {
  const COUNT = 23

  beforeAll(async () => {
    const people = Array.from({ length: COUNT }, (_, index) => {
      const id = `s${String(index).padStart(2, '0')}`
      return {
        id,
        name: [{ family: `Müller${index}` }],
        identifier: [{ system: 'http://s', value: id }],
      }
    })
    for (const person of people) expect((await put(person.id, person)).status).toBe(201)
    const group = resource('Group', { id: 'sg', type: 'person', actual: true, name: 'Diabetes' })
    await provider.request('/Group/sg', { method: 'PUT', headers: FHIR, body: group })
  })

  const idsOf = (answer: Received): string[] =>
    ((answer.json()['entry'] ?? []) as { resource: { id: string } }[]).map(
      (entry) => entry.resource.id,
    )
  const linkOf = (answer: Received, relation: string): string | undefined =>
    (answer.json()['link'] as { relation: string; url: string }[]).find(
      (link) => link.relation === relation,
    )?.url

  test.each([
    ['/Patient?_id=s03', ['s03']],
    ['/Patient?_id=s03,s05,never', ['s03', 's05']],
    ['/Patient?identifier=http://s|s07', ['s07']],
    ['/Patient?identifier=s07', ['s07']],
    ['/Patient?identifier=|s07', []],
    ['/Patient?name=muller22', ['s22']],
    ['/Patient?name=muller22&_id=s01', []],
    ['/Group?name=diab', ['sg']],
    ['/Group?_id=sg', ['sg']],
  ])('%s finds %o', async (path, ids) => {
    const answer = await provider.request(path)

    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({
      resourceType: 'Bundle',
      type: 'searchset',
      total: ids.length,
    })
    expect(idsOf(answer).sort()).toEqual(ids)
  })

  test('has every match once, page by page, and tells no name in the links', async () => {
    const found: string[] = []
    let path: string | undefined = '/Patient?name=Müller&_count=5'.replace('ü', '%C3%BC')
    while (path !== undefined) {
      const answer = await provider.request(path)
      expect(answer.status).toBe(200)
      expect(answer.json()['total']).toBe(COUNT)
      found.push(...idsOf(answer))
      const next = linkOf(answer, 'next')
      expect(next ?? '').not.toMatch(/ller/i)
      path = next?.slice(provider.url.length)
    }

    expect(found).toHaveLength(COUNT)
    expect(new Set(found).size).toBe(COUNT)
  })

  test('by POST is the same, and its self link tells nothing but works', async () => {
    const answer = await provider.request('/Patient/_search?_count=2', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'name=M%C3%BCller1',
    })

    expect(answer.status).toBe(200)
    expect(idsOf(answer)).toHaveLength(2)
    const self = linkOf(answer, 'self') ?? ''
    expect(self).not.toMatch(/ller/i)
    expect(idsOf(await provider.request(self.slice(provider.url.length)))).toEqual(idsOf(answer))
  })

  test('with _count=0 has the total alone', async () => {
    const answer = await provider.request('/Patient?name=muller&_count=0')

    expect(answer.json()).toMatchObject({ total: COUNT })
    expect(answer.json()['entry']).toBeUndefined()
    expect(linkOf(answer, 'next')).toBeUndefined()
  })

  test('with an unknown parameter is refused by name, or ignored on request', async () => {
    const strict = await provider.request('/Patient?_id=s01&birthdate=2000')
    const lenient = await provider.request('/Patient?_id=s01&birthdate=2000', {
      headers: { prefer: 'handling=lenient' },
    })

    expectOutcome(strict, 400)
    expect(strict.body.toString()).toContain('birthdate')
    expect(idsOf(lenient)).toEqual(['s01'])
    expect(linkOf(lenient, 'self')).toBe(`${provider.url}/Patient?_id=s01`)
  })

  test.each(['x', 'A'.repeat(80), ''])(
    'with the cursor "%s" that is none is a 400',
    async (cursor) => {
      expectOutcome(await provider.request(`/Patient?_cursor=${cursor}`), 400)
    },
  )

  test('with the cursor of another type is a 400', async () => {
    const next = linkOf(await provider.request('/Patient?_count=1'), 'next') ?? ''

    expectOutcome(await provider.request(`/Group${new URL(next).search}`), 400)
  })

  test('by POST of JSON is a 415, and on other types a 405', async () => {
    const json = { method: 'POST', headers: FHIR, body: '{}' }

    expectOutcome(await provider.request('/Patient/_search', json), 415)
    expectOutcome(await provider.request('/Observation?code=1'), 405)
  })
})
