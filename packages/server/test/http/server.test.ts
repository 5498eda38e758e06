import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { RemoteJwks } from '@flatfhir/auth'
import { createDataProvider, type AccessOptions } from '@flatfhir/server'
import { pino } from 'pino'
import { RESOURCE_TYPES } from '@flatfhir/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, sendBytes, type Received } from './send.ts'
import {
  eventually,
  FHIR,
  resource,
  startTestProvider,
  type TestProvider,
} from './test-provider.ts'

let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider({
    provider: { maxBodyBytes: 10_000 },
  })
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function expectOutcome(answer: Received, status: number): void {
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toBe('application/fhir+json')
  expect(answer.json()['resourceType']).toBe('OperationOutcome')
}

function expectRawOutcome(received: string, status: number): void {
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(received).toMatch(/content-type: application\/fhir\+json\r\n/i)
  expect(received).toContain('"resourceType":"OperationOutcome"')
}

describe('the CapabilityStatement', () => {
  test('says what the server is and where', async () => {
    const answer = await provider.request('/metadata')

    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/fhir+json')
    expect(answer.json()).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      kind: 'instance',
      instantiates: ['http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'],
      software: { name: 'flatfhir' },
      implementation: { url: provider.url },
    })
    expect((await provider.request('/metadata')).body.equals(answer.body)).toBe(true)
  })

  test('lists the export operations at each level, export first', async () => {
    const [rest] = (await provider.request('/metadata')).json()['rest'] as Rest[]

    const operationsOf = (type: string): string[] =>
      (rest?.resource.find((each) => each.type === type)?.operation ?? []).map(
        ({ name, definition }) => `${name} ${definition.replace(/^.*\//, '')}`,
      )
    expect(operationsOf('Group')).toEqual([
      'export group-export|3.0.0',
      'group-export group-export|3.0.0',
      'export-v4 group-export|4.0.0',
      'member-add group-member-add',
      'member-remove group-member-remove',
    ])
    expect(operationsOf('Patient')).toEqual([
      'export patient-export|3.0.0',
      'patient-export patient-export|3.0.0',
      'export-v4 patient-export|4.0.0',
    ])
    expect(operationsOf('Observation')).toEqual([])
    expect(rest?.operation.map(({ name }) => name)).toEqual(['export', 'export-v4'])
  })

  test('is true: every interaction it lists is answered, and every other one is not', async () => {
    const [rest] = (await provider.request('/metadata')).json()['rest'] as Rest[]
    expect(rest?.resource.map(({ type }) => type)).toEqual([...RESOURCE_TYPES])

    for (const { type, interaction } of rest?.resource ?? []) {
      const codes = interaction.map(({ code }) => code)
      const search = await provider.request(`/${type}?_count=0`)
      expect([type, search.status]).toEqual([type, codes.includes('search-type') ? 200 : 405])
      const read = await provider.request(`/${type}/never`)
      expect([type, read.status]).toEqual([type, codes.includes('read') ? 404 : 405])
    }
  })

  interface Rest {
    readonly resource: readonly {
      readonly type: string
      readonly interaction: readonly { readonly code: string }[]
      readonly operation?: readonly { readonly name: string; readonly definition: string }[]
    }[]
    readonly operation: readonly { readonly name: string }[]
  }
})

test('/healthz says that the process answers', async () => {
  const answer = await send(provider.port, { path: '/healthz' })

  expect([answer.status, answer.body.toString()]).toEqual([200, '{"status":"ok"}'])
})

describe('what is not there or not meant is answered with an OperationOutcome', () => {
  test.each([
    '/',
    '/fhir2',
    '/fhir/a/b/c/d',
    '/metadata',
    '/healthz/x',
    '/.env',
    '//fhir/metadata',
  ])('GET %s is a 404', async (path) => {
    expectOutcome(await send(provider.port, { path }), 404)
  })

  test.each([
    ['DELETE', '/fhir/metadata', 'GET, HEAD'],
    ['PUT', '/fhir/$export', 'GET, POST'],
    ['DELETE', '/fhir/Patient/$export', 'GET, POST'],
    ['PATCH', '/fhir/Patient/1', 'GET, HEAD, PUT, DELETE'],
    ['PROPFIND', '/fhir/Patient/1', 'GET, HEAD, PUT, DELETE'],
    ['POST', `/fhir/bulk-status/${'0'.repeat(32)}`, 'GET, DELETE'],
    ['OPTIONS', '/fhir/Patient', 'GET, POST'],
    ['GET', '/fhir', 'POST'],
    ['TRACE', '/healthz', 'GET, HEAD'],
  ])('%s %s is a 405 that allows %s', async (method, path, allow) => {
    const answer = await send(provider.port, { method, path, body: '{}' })

    expectOutcome(answer, 405)
    expect(answer.headers['allow']).toBe(allow)
  })

  test('a body above the limit is a 413, announced or not', async () => {
    const body = resource('Patient', { x: 'x'.repeat(10_001) })
    const announced = await provider.request('/Patient', { method: 'POST', headers: FHIR, body })
    const head =
      'POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n'
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`

    const streamed = await sendBytes(
      provider.port,
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`,
    )

    expectOutcome(announced, 413)
    expectRawOutcome(streamed, 413)
  })

  test('a long URL is a 414 and a long header a 431', async () => {
    expectOutcome(await provider.request(`/Patient?name=${'a'.repeat(8200)}`), 414)
    expectOutcome(await provider.request(`/Patient/${'a'.repeat(8200)}`), 414)
    const long = `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
    expectRawOutcome(await sendBytes(provider.port, long), 431)
  })

  test.each([
    ['no request', 'HELLO\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      'POST /fhir HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'length and chunks',
      'POST /fhir HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'a strange expectation',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: gold\r\n\r\n',
      417,
    ],
    ['a URL that is none', 'GET /fhir/Patient/%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ])('%s', async (_what, bytes, status) => {
    expectRawOutcome(await sendBytes(provider.port, bytes), status)
  })
})

test.each([
  ['half a head', 'GET /healthz HTTP/1.1\r\nHost: loc'],
  [
    'half a body',
    'POST /fhir HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\nContent-Length: 9\r\n\r\n{',
  ],
])('%s is a 408 when the rest does not arrive in time', async (_what, bytes) => {
  await using impatient = await startTestProvider({
    provider: { timeouts: { headersMs: 200, requestMs: 400 } },
  })

  expectRawOutcome(await sendBytes(impatient.port, bytes), 408)
})

describe('a server that asks nobody to log in', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org', ''])(
    'does not listen on "%s"',
    async (host) => {
      await using open = await createDataProvider({
        resources: provider.resources,
        jobs: provider.jobs,
      })

      await expect(open.listen({ host, port: 0 })).rejects.toMatchObject({
        code: 'OPEN_SERVER_NOT_LOOPBACK',
      })
    },
  )

  test.each(['localhost', '127.0.0.2', '::1'])('listens on %s', async (host) => {
    await using open = await createDataProvider({
      resources: provider.resources,
      jobs: provider.jobs,
    })

    const { url } = await open.listen({ host, port: 0 })

    expect(url).toBe(open.fhirBaseUrl)
    expect((await fetch(`${url}/metadata`)).status).toBe(200)
  })

  test('answers no other name, so that no page of the web can reach it', async () => {
    expectOutcome(await provider.request('/metadata', { headers: { host: 'evil.example' } }), 421)
    expect((await provider.request('/metadata', { headers: { host: 'localhost:1' } })).status).toBe(
      200,
    )
  })

  test('answers its public name', async () => {
    await using proxied = await startTestProvider({
      provider: { baseUrl: 'https://Bulk.example/fhir' },
    })

    const answer = await proxied.request('/metadata', { headers: { host: 'bulk.example' } })

    expect(answer.status).toBe(200)
  })
})

test('an address in use is an error that says so', async () => {
  await using other = await createDataProvider({
    resources: provider.resources,
    jobs: provider.jobs,
  })

  await expect(other.listen({ host: '127.0.0.1', port: provider.port })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    reason: 'EADDRINUSE',
  })
})

test.each([
  [{ maxBodyBytes: 0 }, /maxBodyBytes/],
  [{ timeouts: { stallMs: -1 } }, /timeouts\.stallMs/],
  [{ maxPageSize: 1.5 }, /maxPageSize/],
])('options %o are refused by name', async (options, name) => {
  await expect(
    createDataProvider({ resources: provider.resources, jobs: provider.jobs, ...options }),
  ).rejects.toThrow(name)
})

test('an unexpected failure is a 500 with an id, and the log has the id but no data', async () => {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const fail = async (): Promise<never> => {
    throw new SyntaxError('Unexpected token in "Jane Roe"')
  }
  const now = (): Date => new Date()
  const access: AccessOptions = {
    mode: 'smart',
    clients: { add: fail, find: fail, list: fail, revoke: fail, rotateKeys: fail },
    tokens: { save: fail, find: fail, deleteOfClient: fail, sweep: fail },
    replays: { useOnce: fail, sweep: fail },
    remoteJwks: new RemoteJwks({ now }),
  }
  await using broken = await startTestProvider({ provider: { access, logger: pino(sink) } })

  const headers = { authorization: 'Bearer x' }
  const answer = await broken.request('/Patient/secret-id?name=Roe', { headers })

  expectOutcome(answer, 500)
  const errorId = /error ([0-9a-f]{16})/.exec(answer.body.toString())?.[1] ?? 'none'
  const log = await eventually(() => (lines.length >= 2 ? lines.join('') : undefined))
  expect(log).toContain(errorId)
  expect(log).toContain('"route":"/fhir/:type/:id"')
  expect(log).toContain('"status":500')
  expect(log + answer.body.toString()).not.toMatch(/Roe|secret-id/)
  expect(answer.body.toString()).not.toContain('SyntaxError')
})

describe('close', () => {
  test('lets a download go on for the time of grace and refuses new requests', async () => {
    await using closing = await startTestProvider({
      provider: { closeGraceMs: 20_000 },
      jobs: { compression: 'none' },
    })
    const data = 'A'.repeat(16 * 1024 * 1024)
    await closing.resources.write([
      { kind: 'create', type: 'Binary', body: resource('Binary', { data }) },
    ])
    const [entry] = (await closing.exported('/$export')).json()['output'] as { url: string }[]
    const path = new URL(entry?.url ?? '').pathname
    const socket = connect(closing.port, '127.0.0.1')
    let receivedBytes = 0
    const first = new Promise((resolve) => socket.once('readable', resolve))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await first

    const closed = closing.close()
    await expect(send(closing.port, { path: '/healthz' })).rejects.toThrow(
      /ECONNREFUSED|ECONNRESET/,
    )
    socket.on('data', (chunk) => {
      receivedBytes += chunk.length
    })
    await closed

    await eventually(() => socket.destroyed || undefined)
    expect(receivedBytes).toBeGreaterThan(data.length)
  })

  test('cuts off what is left after the time of grace', async () => {
    await using closing = await startTestProvider({
      provider: { closeGraceMs: 50 },
      jobs: { compression: 'none' },
    })
    const data = 'A'.repeat(24 * 1024 * 1024)
    await closing.resources.write([
      { kind: 'create', type: 'Binary', body: resource('Binary', { data }) },
    ])
    const [entry] = (await closing.exported('/$export')).json()['output'] as { url: string }[]
    const socket = connect(closing.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const first = new Promise((resolve) => socket.once('readable', resolve))
    socket.write(`GET ${new URL(entry?.url ?? '').pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await first

    await closing.close()
    await closing.close()

    socket.resume()
    await eventually(() => socket.destroyed || undefined)
  })
})

test('many large bodies at a time are refused rather than kept in memory', async () => {
  await using small = await startTestProvider({
    provider: { maxBodyBytes: 1_000_000, maxBufferedBodyBytes: 1_000_000 },
  })
  const head =
    'POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n'
  const sockets = [connect(small.port, '127.0.0.1'), connect(small.port, '127.0.0.1')]
  const received = await new Promise<string>((resolve) => {
    for (const socket of sockets) {
      socket.on('error', () => undefined)
      socket.once('data', (chunk) => {
        resolve(chunk.toString())
      })
      socket.write(`${head}Content-Length: 900000\r\n\r\n${'x'.repeat(800_000)}`)
    }
  })

  expect(received).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1/)
  for (const socket of sockets) socket.destroy()
  expect((await small.request('/metadata')).status).toBe(200)
})
