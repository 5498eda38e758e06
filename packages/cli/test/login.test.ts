import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../src/run-cli.ts'
import { bufferIo, type BufferIo } from './buffer-io.ts'

const SECRET = 'correct-horse-battery-staple'

let directory: string
let out: string
const logins: { authorization: string | undefined; form: URLSearchParams }[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-login-'))
  out = join(directory, 'out')
  logins.length = 0
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

interface Provider extends AsyncDisposable {
  readonly url: string
}

/** A provider of which only the login is there. */
async function startLogin(
  answerToken: (response: ServerResponse) => void,
  { capabilities = ['permission-v2'] }: { readonly capabilities?: readonly string[] } = {},
): Promise<Provider> {
  const server = createServer((request, response) => {
    void answer(request, response)
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/fhir/.well-known/smart-configuration') {
      response.end(JSON.stringify({ token_endpoint: `${url}/token`, capabilities }))
    } else if (request.url === '/fhir/token' && request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const form = new URLSearchParams(body)
      logins.push({ authorization: request.headers.authorization, form })
      answerToken(response)
    } else {
      response.statusCode = request.url?.includes('$export') === true ? 403 : 404
      if (request.url === '/fhir/token') answerToken(response)
      else response.end()
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function grant(scope: string): (response: ServerResponse) => void {
  return (response) => {
    response.end(
      JSON.stringify({ access_token: 'the-token', token_type: 'Bearer', expires_in: 300, scope }),
    )
  }
}

async function runExport(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<BufferIo & { readonly code: number }> {
  const io = bufferIo({ env })
  const code = await runCli(['export', ...args, '--out', out], io)
  return { ...io, code }
}

async function makeKey(): Promise<string> {
  const path = join(directory, 'keys.json')
  expect(await runCli(['keys', 'create', path, '--quiet'], bufferIo())).toBe(0)
  return path
}

describe('a wrong clock is told apart from a wrong key', () => {
  test.each([
    [3_600_000, '60 minutes behind'],
    [-86_400_000, '24 hours ahead of'],
  ])('when the provider is %i ms ahead', async (offset, expected) => {
    await using provider = await startLogin((response) => {
      response.setHeader('date', new Date(Date.now() + offset).toUTCString())
      response.statusCode = 400
      response.end('{"error":"invalid_client"}')
    })
    const login = ['--client-id', 'me', '--key', await makeKey()]

    const { code, err } = await runExport([provider.url, '--system', ...login])

    expect(code).toBe(1)
    expect(err()).toContain(`this machine's clock is ${expected} the provider's`)
    expect(err()).toContain('[CLOCK_WRONG]')
  })
})

describe('a client secret', () => {
  test.each([
    ['file', async (path: string): Promise<void> => writeFile(path, `${SECRET}\n`)],
    ['variable', async (): Promise<void> => undefined],
  ])('comes from a %s, goes into the Basic header, and is told to nobody', async (where, write) => {
    const path = join(directory, 'secret')
    await write(path)
    await using provider = await startLogin(grant(''))
    const file = where === 'file' ? ['--client-secret-file', path] : []
    const env = where === 'file' ? {} : { FLATFHIR_CLIENT_SECRET: SECRET }

    const io = await runExport(
      [provider.url, '--patient', '--client-id', 'me', '--verbose', ...file],
      env,
    )

    expect(logins[0]?.authorization).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`)
    expect(logins[0]?.form.has('scope')).toBe(false)
    expect(io.err()).toContain('[REQUEST_REJECTED]')
    expect(io.out() + io.err()).not.toContain(SECRET)
    expect(io.out() + io.err()).not.toContain('the-token')
  })

  test.each([
    [['--client-secret', SECRET], "Unknown option '--client-secret'"],
    [[`--client-secret=${SECRET}`], "Unknown option '--client-secret'"],
    [[`--private-key=${SECRET}`], "Unknown option '--private-key'"],
  ])('is no flag, and is not repeated: %#', async (args, expected) => {
    const { code, err } = await runExport(['http://127.0.0.1:1', '--system', ...args])

    expect(code).toBe(2)
    expect(err()).toContain(expected)
    expect(err()).not.toContain(SECRET)
  })

  test('in a file that is not there, or is something else, is an error', async () => {
    const path = join(directory, 'secret')
    const args = ['http://127.0.0.1:1/fhir', '--system', '--client-id', 'me']

    const missing = await runExport([...args, '--client-secret-file', path])
    await writeFile(path, `${SECRET}\nand more`)
    const wrong = await runExport([...args, '--client-secret-file', path])

    expect(missing.err()).toContain('[CLIENT_SECRET_FILE]')
    expect(wrong.err()).toContain('a client secret is one line')
    expect(wrong.err()).not.toContain(SECRET)
  })
})

describe('scopes', () => {
  test.each([
    [['permission-v1'], [], 'system/Patient.read system/Condition.read'],
    [['permission-v2', 'permission-v1'], [], 'system/Patient.rs system/Condition.rs'],
    [['permission-v2'], ['--scope', 'system/*.read'], 'system/*.read'],
  ])('with the capabilities %j and %j are %s', async (capabilities, given, expected) => {
    await using provider = await startLogin(grant(expected), { capabilities })
    const login = ['--client-id', 'me', '--key', await makeKey(), ...given]

    await runExport([provider.url, '--patient', '--type', 'Patient,Condition', ...login])

    expect(logins[0]?.form.get('scope')).toBe(expected)
  })

  test('that were not granted are told, without what a terminal would obey', async () => {
    await using provider = await startLogin(grant('system/Patient.rs \u001b[2J'))
    const login = ['--client-id', 'me', '--key', await makeKey()]

    const { err } = await runExport([provider.url, '--system', ...login])

    expect(err()).toContain(
      'did not grant all scopes asked for; it granted: system/Patient.rs ?[2J',
    )
  })
})

test.each([
  [['--key', 'keys.json'], 'A login needs a client id'],
  [['--scope', 'system/*.rs'], 'A login needs a client id'],
  [['--client-id', 'me'], 'A login needs a key'],
  [['--client-id', 'me', '--key', 'a', '--client-secret-file', 'b'], 'exclude each other'],
])('half a login is a usage error: %j', async (args, expected) => {
  const { code, err } = await runExport(['http://127.0.0.1:1/fhir', '--system', ...args])

  expect(code).toBe(2)
  expect(err()).toContain(expected)
})

test('a provider that names no token endpoint is an error with a next step', async () => {
  const server = createServer((_, response) => {
    response.statusCode = 404
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`
  const login = ['--client-id', 'me', '--key', await makeKey()]

  const { code, err } = await runExport([url, '--system', ...login])

  expect(code).toBe(1)
  expect(err()).toContain('or give the token URL yourself. [SMART_DISCOVERY_FAILED]')
  server.closeAllConnections()
  server.close()
})
