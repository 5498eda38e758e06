import { createPublicKey, verify } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BackendServicesTokenSource,
  discoverSmart,
  PrivateKey,
  publicJwks,
  scopesFor,
} from '@flatfhir/auth'
import { runExport, type ExportOptions, type ExportReport } from '@flatfhir/client'
import { bulkData, smart, stu1, stu3, stu4 } from '@flatfhir/conformance'
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
  type ProviderScript,
  type RecordedRequest,
} from '@flatfhir/testkit'
import { expect } from 'vitest'
import { ASSERTION_TYPE } from '../fixtures.ts'
import { verifies } from '../verifies.ts'

const LINE = '{"resourceType":"Patient","id":"a"}\n'
const IN_PROGRESS = { status: 202, headers: { 'retry-after': '7' } }

interface Run {
  readonly report: ExportReport
  readonly provider: MisbehavingProvider
  /** Milliseconds of each wait. */
  readonly waits: readonly number[]
  readonly requests: (part: string, method?: string) => readonly RecordedRequest[]
  readonly file: string
}

/** Runs the client against a scripted provider; waits take no time. */
async function run(
  script: ProviderScript,
  options: Partial<ExportOptions> = {},
  use: (result: Run) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-client-'))
  await using provider = await startMisbehavingProvider({
    files: [{ type: 'Patient', content: LINE }],
    ...script,
  })
  const waits: number[] = []
  let nowMs = Date.parse('2026-11-01T12:00:10Z')
  const clock = {
    now: () => new Date(nowMs),
    wait: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted()
      waits.push(ms)
      nowMs += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
  try {
    const report = await runExport({
      ...{ url: provider.url, level: 'system', clock, random: () => 0.5, directory },
      ...{ verificationThreads: 1, edition: 'stu2', profile: 'generic', ...options },
    })
    const requests: Run['requests'] = (part, method = 'GET') =>
      provider.requests.filter((each) => each.path.includes(part) && each.method === method)
    const [name] = report.files
    const file =
      name === undefined ? '' : await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')
    await use({ report, provider, waits, requests, file })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

verifies([17, 18, 43, 45, 130].map(bulkData), async () => {
  await run({ status: [IN_PROGRESS] }, {}, async ({ report, requests, file }) => {
    expect(report.verdict).toBe('complete')
    expect(file).toBe(LINE)
    const [kickOff] = requests('$export')
    expect(kickOff?.headers['accept']).toBe('application/fhir+json')
    expect(kickOff?.headers['prefer']).toContain('respond-async')
    for (const { headers } of requests('/status/')) {
      expect(headers['accept']).toContain('application/json')
    }
  })
})

verifies(bulkData(115), async () => {
  const parameters = { types: ['Patient'], typeFilters: ['Patient?gender=female'] }
  await run({}, { parameters }, async ({ report, requests }) => {
    expect(requests('_typeFilter')).toHaveLength(1)
    expect(report.verdict).toBe('complete')
  })
})

verifies(bulkData(124), async () => {
  const status = Array.from({ length: 5 }, () => ({ status: 202 }))
  await run({ status }, {}, async ({ waits }) => {
    expect(waits).toHaveLength(5)
    expect([...waits].sort((one, other) => one - other)).toEqual(waits)
    expect(waits.at(-1)).toBeGreaterThan(waits[0] ?? Infinity)
  })
})

verifies(bulkData(126), async () => {
  await run({ status: [IN_PROGRESS] }, {}, async ({ waits }) => {
    expect(waits[0]).toBeGreaterThanOrEqual(7000)
  })
})

verifies([bulkData(16), bulkData(201), smart(264)], async () => {
  const accessToken = async (): Promise<string> => 'the-token'
  await run({ token: 'the-token' }, { accessToken }, async ({ report, provider }) => {
    expect(report.verdict).toBe('complete')
    expect(provider.requestsForFile(0)[0]?.headers['authorization']).toBe('Bearer the-token')
  })
})

verifies(stu3('capability-urls-client'), async () => {
  const script: ProviderScript = {
    token: 'the-token',
    manifest: (manifest) => ({ ...manifest, requiresAccessToken: false }),
  }
  const accessToken = async (): Promise<string> => 'the-token'
  await run(script, { accessToken }, async ({ report, provider }) => {
    expect(report.verdict).toBe('complete')
    for (const { headers } of provider.requestsForFile(0)) {
      expect(headers['authorization']).toBeUndefined()
    }
  })
})

verifies([smart(267), smart(268)], async () => {
  await using other = await startMisbehavingProvider({
    files: [{ type: 'Patient', content: LINE }],
  })
  const url = `${other.origin}/files/0`
  const accessToken = async (): Promise<string> => 'the-token'
  const script: ProviderScript = {
    token: 'the-token',
    files: [{ type: 'Patient', content: LINE, entry: { url } }],
  }
  await run(script, { accessToken }, async () => {
    expect(other.requestsForFile(0)).toHaveLength(1)
    expect(other.requests[0]?.headers['authorization']).toBeUndefined()
  })
})

verifies(stu1('client'), async () => {
  await run({}, { edition: 'stu1' }, async ({ report, requests }) => {
    expect(requests('$export')).toHaveLength(1)
    expect(report.verdict).toBe('complete')
  })
})

verifies(stu3('separate-export-status-client'), async () => {
  const status = [{ status: 200, headers: { 'x-export-status': '202' } }]
  await run({ status }, { edition: 'stu3', separateExportStatus: true }, async (result) => {
    expect(result.requests('$export')[0]?.headers['prefer']).toContain('separate-export-status')
    expect(result.requests('/status/')).toHaveLength(2)
    expect(result.report.verdict).toBe('complete')
  })
})

verifies(stu3('manifest-link-client'), async () => {
  const files = ['a', 'b', 'c'].map((id) => ({
    ...{ type: 'Patient', content: `{"resourceType":"Patient","id":"${id}"}\n` },
  }))
  await run({ files, filesPerPage: 1 }, { edition: 'stu3' }, async ({ report }) => {
    expect(report).toMatchObject({ verdict: 'complete', resources: 3 })
  })
})

verifies([stu3('file-encoding-client'), stu3('accept-encoding-client')], async () => {
  for (const coding of ['gzip', 'identity'] as const) {
    const files = [{ type: 'Patient', content: LINE, always: { coding } }]
    await run({ files }, {}, async ({ file, provider }) => {
      expect(file).toBe(LINE)
      expect(provider.requestsForFile(0)[0]?.headers['accept-encoding']).toContain('gzip')
    })
  }
})

verifies([stu4('kick-off-post-client'), stu4('no-comma-lists-client')], async () => {
  const parameters = { types: ['Patient', 'Device'] }
  await run({}, { edition: 'stu4', parameters }, async ({ requests }) => {
    const [kickOff] = requests('$export', 'POST')
    expect(JSON.parse(kickOff?.body ?? '')).toEqual({
      resourceType: 'Parameters',
      parameter: ['Patient', 'Device'].map((valueString) => ({ name: '_type', valueString })),
    })
  })
})

verifies(stu4('manifest-client'), async () => {
  const message =
    '{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}\n'
  const script: ProviderScript = {
    files: [
      { type: 'Patient', content: LINE },
      { kind: 'outcome', type: 'OperationOutcome', content: message },
    ],
    manifest: ({ error, output, transactionTime, requiresAccessToken }) => ({
      ...{ output, transactionTime, requiresAccessToken, outcome: error },
      extension: [{ url: 'https://example.org/extension', valueString: 'x' }],
    }),
  }
  await run(script, { edition: 'stu4' }, async ({ report, provider }) => {
    expect(report.verdict).toBe('complete')
    expect(provider.requestsForFile(1)).toHaveLength(1)
  })
})

/** A token endpoint that remembers what it was asked. */
interface TokenServer extends AsyncDisposable {
  readonly url: string
  readonly forms: readonly URLSearchParams[]
  readonly requests: readonly string[]
}

async function startTokenServer(): Promise<TokenServer> {
  const forms: URLSearchParams[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const piece of request as AsyncIterable<Uint8Array>) {
        body += Buffer.from(piece).toString()
      }
      const { method = '', url = '', headers } = request
      requests.push(`${method} ${url} ${String(headers['accept'])}`)
      response.setHeader('content-type', 'application/json')
      if (url.endsWith('smart-configuration')) {
        response.end(JSON.stringify({ token_endpoint: `${origin}/token`, capabilities: [] }))
        return
      }
      expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
      forms.push(new URLSearchParams(body))
      const token = { access_token: `token-${forms.length}`, token_type: 'bearer', expires_in: 300 }
      response.end(JSON.stringify(token))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ url: origin, forms, requests },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function decoded(assertion: string): {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
} {
  const [header, claims] = assertion
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>)
  return { header: header ?? {}, claims: claims ?? {} }
}

const LOGIN = [226, 227, 233, 319, 234, 235, 239, 236, 237, 333, 238, 334, 307, 308, 309, 317]
const ASSERTION = [320, 321, 322, 323, 327, 328, 329, 330, 331, 332]

verifies([bulkData(15), ...[...LOGIN, ...ASSERTION].map(smart)], async () => {
  await using server = await startTokenServer()
  const jtis = new Set<unknown>()
  for (const algorithm of ['RS384', 'ES384'] as const) {
    const key = await PrivateKey.generate(algorithm, new Date())
    const { tokenUrl } = await discoverSmart(server.url)
    const source = new BackendServicesTokenSource({
      ...{ tokenUrl, clientId: 'my-client', credential: { kind: 'private-key', key } },
      scope: scopesFor({ level: 'system', types: ['Patient'], style: 'v1' }),
    })
    const token = await source.getToken()
    source.invalidate(token)
    await source.getToken()

    for (const form of server.forms.slice(-2)) {
      expect(form.get('grant_type')).toBe('client_credentials')
      expect(form.get('client_assertion_type')).toBe(ASSERTION_TYPE)
      expect(form.get('scope')).toMatch(/^system\//)
      const assertion = form.get('client_assertion') ?? ''
      const { header, claims } = decoded(assertion)
      const [jwk] = publicJwks([key]).keys
      expect(header).toMatchObject({ alg: algorithm, typ: 'JWT', kid: jwk?.kid })
      expect(claims).toMatchObject({ iss: 'my-client', sub: 'my-client', aud: tokenUrl })
      expect(Number(claims['exp']) - Date.now() / 1000).toBeLessThanOrEqual(300)
      expect(isSignedBy(assertion, jwk)).toBe(true)
      jtis.add(claims['jti'])
    }
  }
  expect(jtis.size).toBe(4)
  expect(server.requests[0]).toMatch(/^GET \/\.well-known\/smart-configuration .*application\/json/)
})

function isSignedBy(assertion: string, jwk: object | undefined): boolean {
  const [header = '', claims = '', signature = ''] = assertion.split('.')
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  return verify(
    'sha384',
    Buffer.from(`${header}.${claims}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
}
