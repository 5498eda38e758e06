import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../src/run-cli.ts'
import { bufferIo } from './buffer-io.ts'
import { flatfhir } from './command-process.ts'
import { addClient, loginOf, serve } from './smart-server.ts'

const run = promisify(execFile)

let directory: string
let cert: string
let key: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-tls-'))
  cert = join(directory, 'cert.pem')
  key = join(directory, 'key.pem')
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

/** A self-signed certificate for 127.0.0.1. */
async function makeCertificate(commonName: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${commonName}`],
    ...['-addext', 'subjectAltName=IP:127.0.0.1'],
  ])
}

async function shownName(url: string, maxVersion: 'TLSv1.1' | 'TLSv1.3'): Promise<string> {
  const { hostname: host, port } = new URL(url)
  const socket = connect({
    ...{ host, port: Number(port), rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' },
  })
  try {
    await once(socket, 'secureConnect')
    const name: unknown = socket.getPeerCertificate().subject.CN
    return String(name)
  } finally {
    socket.destroy()
  }
}

test('serves by TLS, exports through it, and shows a new certificate after SIGHUP', async () => {
  await makeCertificate('first')
  const data = join(directory, 'data')
  await mkdir(data)
  const client = await addClient(data, 'secure')
  await using server = await serve(data, [
    ...['--tls-cert', cert, '--tls-key', key, '--host', '127.0.0.1'],
  ])
  const { fhirBaseUrl: url, command } = server
  expect(url).toMatch(/^https:/)
  const args = ['export', url, '--system', ...loginOf(client)]

  const trusted = await flatfhir([...args, '--out', join(directory, 'trusted')], {
    env: { NODE_EXTRA_CA_CERTS: cert },
  })
  const untrusted = await flatfhir([...args, '--out', join(directory, 'untrusted')])

  expect(trusted).toMatchObject({ code: 0 })
  expect(untrusted.code).toBe(1)
  expect(untrusted.err).toMatch(/^flatfhir: .*certificate is not trusted.*NODE_EXTRA_CA_CERTS/)
  expect(await shownName(url, 'TLSv1.3')).toBe('first')
  await expect(shownName(url, 'TLSv1.1')).rejects.toThrow()

  await makeCertificate('second')
  command.kill('SIGHUP')
  await command.written(/the TLS certificate was read again/)
  expect(await shownName(url, 'TLSv1.3')).toBe('second')

  await writeFile(cert, 'no certificate')
  command.kill('SIGHUP')
  await command.written(/the old one stays/)
  expect(await shownName(url, 'TLSv1.3')).toBe('second')
})

test.each([
  [['--host', '0.0.0.0'], '[PLAIN_HTTP_NOT_LOOPBACK]'],
  [['--host', '0.0.0.0', '--auth', 'none'], '[OPEN_SERVER_NOT_LOOPBACK]'],
  [['--trust-proxy'], '[BASE_URL_REQUIRED]'],
  [['--host', '0.0.0.0', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem'], 'Give --base-url'],
  [['--tls-cert', 'cert.pem'], 'Give both --tls-cert and --tls-key'],
  [['--tls-cert', 'nowhere.pem', '--tls-key', 'nowhere.pem'], 'nowhere.pem: cannot be read'],
  [['--token-lifetime', '2h'], '--token-lifetime: expected a duration from 1s to 1h'],
  [['--previous-encryption-key-file', 'x'], 'Give --encryption-key-file'],
])('refuses to start with %j', async (args, expected) => {
  const io = bufferIo()
  const files = args.map((arg) => (arg.endsWith('.pem') ? join(directory, arg) : arg))
  const data = join(directory, 'refused')

  const code = await runCli(['serve', '--data', data, '--port', '0', ...files], io)

  expect(code).toBe(2)
  expect(io.err()).toContain(expected)
  expect(io.out()).toBe('')
})
