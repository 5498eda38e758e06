import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess, flatfhir, type CommandResult } from './command-process.ts'
import {
  addClient,
  corrupt,
  loginOf,
  makeData,
  serve,
  succeed,
  type TestClient,
  type TestServer,
} from './smart-server.ts'

let directory: string
let data: string
let client: TestClient
let server: TestServer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-access-'))
  data = await makeData(directory, 3)
  client = await addClient(data, 'warehouse')
  server = await serve(data)
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

let runs = 0

async function exportFrom(
  url: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult & { readonly directory: string }> {
  const out = join(directory, `out-${(runs += 1)}`)
  return { ...(await inProcess(['export', url, ...args, '--out', out], { env })), directory: out }
}

describe.concurrent('a registered client', () => {
  test.each(['--system', '--patient'])('exports with its key: %s', async (level) => {
    const out = join(directory, `built${level}`)
    const login = loginOf(client)

    const exported = await flatfhir(['export', server.fhirBaseUrl, level, ...login, '--out', out])

    expect(exported).toMatchObject({ code: 0 })
    expect(exported.out).toMatch(/^complete: /m)
  })

  test('asks for no more than the types that it wants', async () => {
    const types = ['Condition', 'Observation']
    const narrow = await addClient(data, 'narrow', [
      ...['--scope', 'system/Patient.rs system/Condition.rs system/Observation.rs'],
    ])
    const login = loginOf(narrow)

    const some = await exportFrom(server.fhirBaseUrl, [
      ...['--patient', '--type', types.join(','), ...login],
    ])
    const group = await exportFrom(server.fhirBaseUrl, ['--group', 'ten-percent', ...login])

    expect(some).toMatchObject({ code: 0 })
    const files = (await readdir(some.directory)).filter((name) => /^[A-Z]/.test(name))
    expect(files.map((name) => name.split('.')[0])).toEqual(types)
    expect(group.code).toBe(1)
    expect(group.err).toMatch(/HTTP 40[34]/)
  })

  test('logs in with a key from the environment, and with what a config file names', async () => {
    const key = await readFile(client.keyFile, 'utf8')
    const types = ['--system', '--type', 'Patient']

    const byVariable = await exportFrom(server.fhirBaseUrl, types, {
      FLATFHIR_CLIENT_ID: client.clientId,
      FLATFHIR_PRIVATE_KEY: key,
    })
    const byFlag = await exportFrom(server.fhirBaseUrl, [...types, ...loginOf(client)], {
      FLATFHIR_PRIVATE_KEY: 'a flag hides this one',
    })

    expect(byVariable).toMatchObject({ code: 0 })
    expect(byFlag).toMatchObject({ code: 0 })
  })

  test('takes an export step by step, with a login for each that needs one', async () => {
    const out = join(directory, 'steps')
    const login = loginOf(client)
    const begin = [
      ...['export', 'start', out, '--url', server.fhirBaseUrl],
      ...['--group', 'ten-percent', '--type', 'Patient', '--json'],
    ]

    const open = await inProcess(begin)
    const started = await inProcess([...begin, ...login])
    const without = await inProcess(['export', 'collect', out])
    const resumed = await inProcess(['export', '--resume', out, ...login])
    const collected = await inProcess(['export', 'collect', out, '--json'])

    expect([open, started, without, resumed, collected].map(({ code }) => code)).toEqual([
      ...[1, 0, 1, 0, 0],
    ])
    expect(open.err + without.err).toMatch(/LOGIN_NEEDED[^]*LOGIN_NEEDED/)
    expect(JSON.parse(started.out)).toMatchObject({ state: 'in-progress' })
    expect(JSON.parse(collected.out)).toMatchObject({
      state: 'complete',
      report: { deleted: true, resources: 1 },
    })
  })

  test('goes on after its keys were rotated at both ends, also while the server runs', async () => {
    const rotating = await addClient(data, 'rotating')
    const jwks = join(directory, 'rotated.json')
    await succeed(['keys', 'rotate', rotating.keyFile, '--jwks-out', jwks])
    const args = ['--system', '--type', 'Patient', ...loginOf(rotating)]

    const before = await exportFrom(server.fhirBaseUrl, args)
    await succeed(['clients', 'rotate', rotating.clientId, '--jwks', jwks, '--data', data])
    const after = await exportFrom(server.fhirBaseUrl, args)

    expect(before.err).toContain('invalid_client')
    expect(after).toMatchObject({ code: 0 })
  })
})

test('a login is renewed in the middle of an export, with keys that are fetched from a URL', async () => {
  const keyFile = join(directory, 'hosted.keys.json')
  const jwks = await succeed(['keys', 'create', keyFile, '--alg', 'RS384'])
  await using hosting = await hostText(jwks)
  const own = join(directory, 'renewing')
  const path = await smallData(own)
  const added = await succeed([
    ...['clients', 'add', '--name', 'hosted', '--jwks-url', hosting.url],
    ...['--scope', 'system/*.read', '--data', path, '--json'],
  ])
  const { client_id: clientId } = JSON.parse(added) as { client_id: string }
  const flags = ['--token-lifetime', '1s', '--minimum-in-progress', '3s']
  await using server = await serve(path, flags)

  const exported = await exportFrom(server.fhirBaseUrl, [
    ...['--system', '--type', 'Organization', '--jwks-url', hosting.url],
    ...loginOf({ clientId, keyFile }),
  ])

  expect(exported).toMatchObject({ code: 0 })
  const issued = (await readLog(path)).filter((line) => line.includes('"token-issued"'))
  expect(issued.length).toBeGreaterThan(2)
})

test('Ctrl-C deletes the export at the provider, with a token that is renewed for it', async () => {
  const path = await smallData(join(directory, 'stopped'))
  const login = loginOf(await addClient(path, 'stopping'))
  const flags = ['--token-lifetime', '1s', '--minimum-in-progress', '10m']
  await using server = await serve(path, flags)
  const out = join(directory, 'stopped', 'out')
  await using pulling = new CommandProcess([
    ...['export', server.fhirBaseUrl, '--system', ...login, '--out', out],
  ])
  const [, jobId = ''] = await server.command.written(/"jobId":"([0-9a-f]{32})".*job-complete/)

  pulling.kill('SIGINT')

  expect((await pulling.finished()).code).toBe(130)
  await server.command.written(new RegExp(`"jobId":"${jobId}".*job-deleted`))
})

describe.concurrent('who is refused reads why in one line', () => {
  test('without a login', async () => {
    const { code, err } = await exportFrom(server.fhirBaseUrl, ['--system'])

    expect(code).toBe(1)
    expect(err).toMatch(/^flatfhir: .*HTTP 401.*--client-id and --key.*\[LOGIN_NEEDED\]\n$/)
  })

  test("with somebody else's key", async () => {
    const other = await addClient(data, 'other')
    const mixed = { ...client, keyFile: other.keyFile }

    const { code, err } = await exportFrom(server.fhirBaseUrl, ['--system', ...loginOf(mixed)])

    expect(code).toBe(1)
    expect(err).toMatch(
      /^flatfhir: .*\(invalid_client\)\. Check the client id.*\[TOKEN_REFUSED\]\n$/,
    )
  })

  test('after it was revoked, with an export that it has begun', async () => {
    const revoked = await addClient(data, 'revoked')
    await succeed(['clients', 'revoke', revoked.clientId, '--data', data])

    const { code, err } = await exportFrom(server.fhirBaseUrl, ['--system', ...loginOf(revoked)])

    expect(code).toBe(1)
    expect(err).toContain('(invalid_client)')
    const again = await flatfhir(['clients', 'revoke', revoked.clientId, '--data', data])
    expect(again.code).toBe(1)
    expect(again.err).toContain('[CLIENT_UNKNOWN]')
  })

  test('with scopes that it was not registered for', async () => {
    const scope = ['--scope', 'user/*.read system/Patient.d']

    const { code, err } = await exportFrom(server.fhirBaseUrl, [
      ...['--system', ...loginOf(client), ...scope],
    ])

    expect(code).toBe(1)
    expect(err).toContain('asked for the scopes: user/*.read system/Patient.d\n')
    expect(err).toMatch(/\(invalid_scope\)\. Ask for fewer scopes/)
  })
})

describe('clients', () => {
  test('are listed and shown with what they were registered with', async () => {
    const quotas = ['--max-concurrent-jobs', '2', '--max-bytes-per-day', '1GB']
    const { clientId } = await addClient(data, 'quality', [
      ...['--scope', 'system/Patient.read', '--group', 'a,b', '--group', 'c', ...quotas],
    ])

    const list = await succeed(['clients', 'list', '--data', data])
    const shown = await succeed(['clients', 'show', clientId, '--data', data, '--json'])

    expect(list).toMatch(
      new RegExp(`^${clientId} +quality +active +system/Patient.read +a, b, c$`, 'm'),
    )
    expect(JSON.parse(shown)).toMatchObject({
      client_id: clientId,
      groups: ['a', 'b', 'c'],
      quotas: { maxConcurrentJobs: 2, maxBytesPerDay: 1e9 },
    })
  })

  test.each([
    [['--scope', 'patient/*.read'], 'REGISTRATION_INVALID'],
    [['--scope', 'system/Observation.rs?shoe-size=44'], 'REGISTRATION_INVALID'],
    [['--scope', 'system/*.rs?_id=1'], 'REGISTRATION_INVALID'],
    [['--scope', 'system/*.rs', '--group', '../x'], 'REGISTRATION_INVALID'],
  ])('are not registered with %j', async (registration, code) => {
    const before = await succeed(['clients', 'list', '--data', data])

    await expect(
      addClient(data, `bad-${randomBytes(4).toString('hex')}`, registration),
    ).rejects.toThrow(code)

    expect(await succeed(['clients', 'list', '--data', data])).toBe(before)
  })

  test('are not registered with private keys', async () => {
    const refused = await flatfhir([
      ...['clients', 'add', '--name', 'x', '--jwks', client.keyFile],
      ...['--scope', 'system/*.rs', '--data', data],
    ])

    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/private key.*\[JWKS_INVALID\]/)
  })

  test('of a directory that is not there are not looked for', async () => {
    const missing = join(directory, 'nowhere')

    const { code, err } = await flatfhir(['clients', 'list', '--data', missing])

    expect(code).toBe(2)
    expect(err).toContain('there is no such directory')
    await expect(readdir(missing)).rejects.toThrow('ENOENT')
  })
})

describe('the audit log', () => {
  test('tells of registrations, logins, exports and refusals, and of no patient', async () => {
    const auditor = await addClient(data, 'auditor')
    await exportFrom(server.fhirBaseUrl, [
      ...['--system', '--type', 'Patient', ...loginOf(auditor)],
    ])

    const verified = await flatfhir(['audit', 'verify', '--data', data])

    expect(verified.out).toMatch(
      /^ok: \d+ events in 1 file, all as they were written\nnewest event: /,
    )
    expect(verified.code).toBe(0)
    const log = await readLog(data)
    for (const name of ['client-added', 'token-issued', 'kick-off', 'file-served', 'job-deleted']) {
      expect(
        log.some((line) => line.includes(`"${name}"`) && line.includes(auditor.clientId)),
      ).toBe(true)
    }
    const patients = await readFile(join(directory, 'in', 'Patient.ndjson'), 'utf8')
    const { name } = JSON.parse(patients.split('\n')[0] ?? '') as { name: [{ family: string }] }
    expect(log.join('\n')).not.toContain(`"${name[0].family}"`)
  })

  test('shows where it was changed, and that its end was cut off', async () => {
    const own = join(directory, 'tampered')
    const path = await smallData(own)
    await addClient(path, 'first')
    const { clientId } = await addClient(path, 'second')
    const verify = ['audit', 'verify', '--data', join(own, 'data')]
    const [, head = ''] = /newest event: (\S+)/.exec(await succeed(verify)) ?? []
    const [file = ''] = (await readdir(join(own, 'data', 'audit'))).filter((name) =>
      name.endsWith('.ndjson'),
    )
    const log = join(own, 'data', 'audit', file)
    const whole = await readFile(log, 'utf8')

    await writeFile(log, whole.split('\n').slice(0, -2).join('\n') + '\n')
    const cut = await flatfhir([...verify, '--anchor', head])
    await writeFile(log, whole)
    await corrupt(log, clientId, clientId.replace(/./g, '0'))
    const changed = await flatfhir([...verify, '--json'])

    expect(cut).toMatchObject({ code: 3 })
    expect(cut.out).toContain('(anchor-missing)')
    expect(changed.code).toBe(3)
    expect(JSON.parse(changed.out)).toMatchObject({
      ok: false,
      fault: { kind: 'changed-line', file },
    })
  })
})

/** A web server with one text. */
async function hostText(text: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A data directory with little in it. */
async function smallData(own: string): Promise<string> {
  const path = join(own, 'data')
  await succeed(['import', join(directory, 'in', 'Organization.ndjson'), '--data', path])
  return path
}

async function readLog(path: string): Promise<readonly string[]> {
  const audit = join(path, 'audit')
  const names = (await readdir(audit)).filter((name) => name.endsWith('.ndjson'))
  const texts = await Promise.all(names.map((name) => readFile(join(audit, name), 'utf8')))
  return texts.join('').trimEnd().split('\n')
}

describe('encryption at rest', () => {
  test('leaves nothing readable on the disk, and everything as it was to clients', async () => {
    const own = join(directory, 'encrypted')
    const path = await smallData(own)
    const reader = await addClient(path, 'reader')
    const keyFile = join(own, 'files.key')
    await writeFile(keyFile, randomBytes(32).toString('base64'))
    await chmod(keyFile, 0o600)
    const flags = ['--encryption-key-file', keyFile, '--compression', 'none']
    let server: TestServer | undefined = await serve(path, flags)
    try {
      const exported = await exportFrom(server.fhirBaseUrl, [
        ...['--system', '--keep-export', ...loginOf(reader)],
      ])

      expect(exported).toMatchObject({ code: 0 })
      const plain = await readFile(join(exported.directory, 'Organization.000.ndjson'))
      const stored = await readOutputFiles(join(path, 'output-files'))
      expect(stored.length).toBeGreaterThan(0)
      for (const bytes of stored) {
        expect(bytes.includes('resourceType')).toBe(false)
        expect(digest(bytes)).not.toBe(digest(plain))
        expect(gzipSync(bytes).length).toBeGreaterThan(bytes.length * 0.99)
      }
      server.command.kill('SIGTERM')
      await server.command.finished()
      server = undefined
      const withoutKey = await flatfhir(['serve', '--data', path, '--port', '0'])
      expect(withoutKey.code).toBe(1)
      expect(withoutKey.err).toContain('[ENCRYPTION_KEY_MISSING]')
    } finally {
      await server?.[Symbol.asyncDispose]()
    }
  })

  test('is refused with a file that holds no key', async () => {
    const keyFile = join(directory, 'short.key')
    await writeFile(keyFile, 'c2hvcnQ=')

    const { code, err } = await flatfhir([
      ...['serve', '--data', join(directory, 'none'), '--encryption-key-file', keyFile],
    ])

    expect(code).toBe(1)
    expect(err).toMatch(/openssl rand.*\[ENCRYPTION_KEY_INVALID\]\n$/)
    expect(err).not.toContain('c2hvcnQ')
  })
})

async function readOutputFiles(path: string): Promise<readonly Buffer[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name))))
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a server without login says so at every start', async () => {
  await using open = await serve(join(directory, 'open'), ['--auth', 'none'])

  await open.command.written(/^warning: --auth none: /m)
})
