import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { RemoteJwks } from '@flatfhir/auth'
import {
  createDataProvider,
  type AccessOptions,
  type DataProvider,
  type SmartAccess,
} from '@flatfhir/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientAddress } from '../../src/access/client-address.ts'
import { resource } from '../http/test-provider.ts'
import { exportAndWait, startSecureProvider, type SecureProvider } from './secure-provider.ts'

const run = promisify(execFile)

interface Pair {
  readonly cert: string
  readonly key: string
}

let directory: string
let first: Pair
let second: Pair
let secure: SecureProvider
let smart: SmartAccess

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tls-'))
  ;[first, second] = await Promise.all([selfSigned('first'), selfSigned('second')])
  secure = await startSecureProvider()
  const { clients, tokens, replays } = secure.store
  const remoteJwks = new RemoteJwks({ now: secure.now })
  smart = { mode: 'smart', clients, tokens, replays, remoteJwks }
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

async function selfSigned(name: string): Promise<Pair> {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
}

async function create(options: {
  access?: AccessOptions
  trustProxy?: boolean
  baseUrl?: string
}): Promise<DataProvider> {
  const { resources, jobs } = secure.provider
  return await createDataProvider({ resources, jobs, ...options })
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
    socket.once('secureConnect', () => {
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

async function commonName(port: number): Promise<string> {
  const socket = await handshake(port)
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

async function getOverTls(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    httpsRequest(url, { headers, ca: first.cert, agent: false }, resolve).on('error', reject).end()
  })
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  expect(incoming.statusCode).toBe(200)
  return Buffer.concat(chunks)
}

describe('TLS', () => {
  test('carries everything, and every URL says so', async () => {
    await using provider = await create({ access: smart })
    const { url, port } = await provider.listen({ host: '127.0.0.1', port: 0, tls: first })

    const configuration = JSON.parse(
      (await getOverTls(`${url}/.well-known/smart-configuration`)).toString(),
    ) as { token_endpoint: string }

    expect(url).toBe(`https://127.0.0.1:${port}/fhir`)
    expect(configuration.token_endpoint).toBe(`${url}/auth/token`)
  })

  test('carries files, byte for byte', async () => {
    const body = resource('Binary', { id: 'big', data: 'A'.repeat(3_000_000) })
    await secure.provider.resources.write([{ kind: 'update', type: 'Binary', id: 'big', body }])
    const headers = await secure.login(await secure.addClient())
    const { files } = await exportAndWait(secure, '/$export?_type=Binary', headers)
    const path = files[0]?.path ?? ''
    const plain = (await secure.provider.request(path, { headers })).body
    await using provider = await create({ access: smart })
    const { url } = await provider.listen({ host: '127.0.0.1', port: 0, tls: first })

    const received = await getOverTls(url + path, headers)

    expect(received.length).toBeGreaterThan(3_000_000)
    expect(received.equals(plain)).toBe(true)
  })

  test('is version 1.2 at least', async () => {
    await using provider = await create({ access: smart })
    const { port } = await provider.listen({ host: '127.0.0.1', port: 0, tls: first })

    const old = handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
    await expect(old).rejects.toThrow()
    const socket = await handshake(port, { maxVersion: 'TLSv1.2' })
    expect(socket.getProtocol()).toBe('TLSv1.2')
    socket.destroy()
  })

  test('takes another certificate while it runs, and keeps the last good one', async () => {
    await using provider = await create({ access: smart })
    const { port } = await provider.listen({ host: '127.0.0.1', port: 0, tls: first })
    expect(await commonName(port)).toBe('first')

    provider.reloadTls(second)
    expect(await commonName(port)).toBe('second')

    const mixed = { cert: first.cert, key: second.key }
    expect(() => {
      provider.reloadTls(mixed)
    }).toThrow(expect.objectContaining({ code: 'TLS_INVALID' }) as Error)
    expect(await commonName(port)).toBe('second')
  })

  test('with what is no certificate is refused before anything listens', async () => {
    await using provider = await create({ access: smart })
    const tls = { cert: 'x', key: first.key }

    await expect(provider.listen({ host: '127.0.0.1', port: 0, tls })).rejects.toMatchObject({
      code: 'TLS_INVALID',
    })
  })

  test('cannot be reloaded where there is none', async () => {
    await using provider = await create({ access: smart })
    await provider.listen({ host: '127.0.0.1', port: 0 })

    expect(() => {
      provider.reloadTls(first)
    }).toThrow(TypeError)
  })
})

test.each([{ tokenLifetimeSeconds: 0 }, { limits: { maxBytesPerDay: 0 } }])(
  'a setting of %o is a RangeError before anything listens',
  async (setting) => {
    await expect(create({ access: { ...smart, ...setting } })).rejects.toThrow(RangeError)
  },
)

describe('any but a loopback address', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org'])(
    '%s needs TLS or a proxy',
    async (host) => {
      await using open = await create({})
      await using plain = await create({ access: smart })

      await expect(open.listen({ host, port: 0, tls: first })).rejects.toMatchObject({
        code: 'OPEN_SERVER_NOT_LOOPBACK',
      })
      await expect(plain.listen({ host, port: 0 })).rejects.toMatchObject({
        code: 'PLAIN_HTTP_NOT_LOOPBACK',
      })
    },
  )
})

describe('behind a proxy', () => {
  test('the base URL has to be told', async () => {
    await expect(create({ access: smart, trustProxy: true })).rejects.toMatchObject({
      code: 'BASE_URL_REQUIRED',
    })
  })

  test('URLs are made of the base URL, whatever is forwarded', async () => {
    const baseUrl = 'https://bulk.example.org/fhir'
    await using provider = await create({ access: smart, trustProxy: true, baseUrl })
    const { port } = await provider.listen({ host: '127.0.0.1', port: 0 })

    const answer = await fetch(`http://127.0.0.1:${port}/fhir/.well-known/smart-configuration`, {
      headers: { 'x-forwarded-host': 'evil.example.com', 'x-forwarded-proto': 'http' },
    })

    expect(await answer.json()).toMatchObject({ token_endpoint: `${baseUrl}/auth/token` })
  })

  class Peer extends Socket {
    override readonly remoteAddress = '192.0.2.9'
  }

  test.each([
    ['198.51.100.7', true, '198.51.100.7'],
    ['203.0.113.1, 198.51.100.7', true, '198.51.100.7'],
    ['203.0.113.1,198.51.100.7:4711', true, '198.51.100.7'],
    ['[2001:db8::1]:4711', true, '2001:db8::1'],
    ['2001:db8::1', true, '2001:db8::1'],
    ['unknown', true, '192.0.2.9'],
    ['', true, '192.0.2.9'],
    ['198.51.100.7', false, '192.0.2.9'],
  ])('X-Forwarded-For: %s, trusted: %s, is %s', (header, trusted, address) => {
    const headers = { 'x-forwarded-for': header }
    expect(clientAddress({ headers, socket: new Peer() }, trusted)).toBe(address)
  })
})
