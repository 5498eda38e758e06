import { bulkData, stu1, stu3 } from '@flatfhir/conformance'
import { gunzipSync } from 'node:zlib'
import { get } from 'node:http'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  ASYNC,
  eventually,
  idsOf,
  patient,
  startOpenProvider,
  type ConformanceProvider,
  type Exported,
} from '../fixtures.ts'
import { verifies } from '../verifies.ts'

let provider: ConformanceProvider
let all: Exported

beforeAll(async () => {
  provider = await startOpenProvider({ jobs: { minimumInProgressMs: 50 } })
  all = await provider.exported('/$export')
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

async function expectOutcome(answer: Response, status: number): Promise<void> {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/)
  expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
}

verifies([21, 310, 125, 132].map(bulkData), async () => {
  await using young = await startOpenProvider({
    ...{ population: [], jobs: { minimumInProgressMs: 600_000 } },
  })
  const statusUrl = await young.kickOff('/$export')

  const answer = await young.ask(statusUrl)

  expect(answer.status).toBe(202)
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  expect(answer.headers.get('x-progress')?.length).toBeLessThan(100)
})

verifies([144, 145, 146, 22, 147].map(bulkData), async () => {
  const { answer, manifest } = all

  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(Date.parse(answer.headers.get('expires') ?? '')).toBeGreaterThan(Date.now())
  expect(manifest).toEqual(expect.any(Object))
})

const FIELDS = [150, 151, 152, 155, 156, 157, 159, 160, 164, 165, 166, 168, 175, 191, 192, 198, 199]

verifies([...FIELDS.map(bulkData), stu1('manifest-fields')], async () => {
  const { manifest } = all

  expect(manifest.transactionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
  expect(Date.parse(manifest.transactionTime)).toBeLessThanOrEqual(Date.now())
  expect(manifest.request).toBe(`${provider.url}/$export`)
  expect(manifest).toMatchObject({ requiresAccessToken: false, error: [] })
  expect(manifest.output.length).toBeGreaterThan(3)
  for (const entry of manifest.output) {
    expect(entry).toMatchObject({ type: expect.any(String) as string })
    expect(entry.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir\//)
  }
  for (const { extension } of [manifest, ...manifest.output]) {
    if (extension !== undefined) expect(Array.isArray(extension)).toBe(false)
  }
})

verifies([153, 202].map(bulkData), async () => {
  await provider.put(patient('ann', 'other'))
  const { manifest, resources } = await provider.exported('/$export?_type=Patient')
  await provider.put(patient('ann', 'female'))

  const patients = await resources('Patient')
  const anns = patients.filter(({ id }) => id === 'ann')
  expect(anns).toHaveLength(1)
  expect(anns[0]).toMatchObject({ gender: 'other' })
  for (const { meta } of patients) {
    const { lastUpdated } = meta as { readonly lastUpdated: string }
    expect(Date.parse(lastUpdated)).toBeLessThanOrEqual(Date.parse(manifest.transactionTime))
  }
})

verifies([167, 195].map(bulkData), async () => {
  const { manifest } = await provider.exported('/Group/none/$export')

  expect(manifest).toMatchObject({ output: [], error: [] })
})

verifies([180, 181, 182, 186, 187, 188, 189, 190].map(bulkData), async () => {
  await provider.put(patient('gone', 'female'))
  const first = await provider.exported('/$export?_type=Patient')
  await provider.remove('Patient', 'gone')

  const since = encodeURIComponent(first.manifest.transactionTime)
  const delta = await provider.exported(`/$export?_type=Patient&_since=${since}`)

  expect(idsOf(await first.resources())).toContain('gone')
  expect(idsOf(await delta.resources())).not.toContain('gone')
  expect(delta.manifest.deleted).toEqual([
    expect.objectContaining({ type: 'Bundle', url: expect.stringMatching(/^http/) as string }),
  ])
  expect(await delta.lines('deleted')).toEqual([
    expect.objectContaining({
      ...{ resourceType: 'Bundle', type: 'transaction' },
      entry: [{ request: { method: 'DELETE', url: 'Patient/gone' } }],
    }),
  ])
})

verifies([193, 194, 196, 197].map(bulkData), async () => {
  const lenient = await provider.exported('/$export?_type=Patient&_nonsense=1', {
    headers: { prefer: 'respond-async, handling=lenient' },
  })

  const { output, error = [] } = lenient.manifest
  expect(output.map(({ type }) => type)).toEqual(['Patient'])
  expect(error).toMatchObject([{ type: 'OperationOutcome' }])
  const messages = await lenient.lines('error')
  expect(messages).toMatchObject([{ resourceType: 'OperationOutcome' }])
  expect(JSON.stringify(messages)).toContain('_nonsense')
})

const FILES = [14, 24, 25, 148, 169, 170, 173, 176, 178, 204, 206, 207, 208, 209].map(bulkData)

verifies([...FILES, stu3('one-type-per-file')], async () => {
  for (const { type, url, count } of all.manifest.output) {
    expect(url.startsWith(`${provider.url}/`)).toBe(true)
    const file = await fetch(url)
    const text = await file.text()

    expect(file.status).toBe(200)
    expect(file.headers.get('content-type')).toBe('application/fhir+ndjson')
    expect(text.endsWith('\n')).toBe(true)
    const lines = text.slice(0, -1).split('\n')
    expect(lines).toHaveLength(count ?? -1)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ resourceType: type })
  }
})

verifies(stu3('file-encoding'), async () => {
  const { url = '' } = all.manifest.output.find(({ type }) => type === 'Patient') ?? {}

  const plain = await bytesOf(url, 'identity')
  const packed = await bytesOf(url, 'gzip')

  expect(plain.coding).toBe(undefined)
  expect(packed.coding).toBe('gzip')
  expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true)
})

/** `fetch` would decompress. */
async function bytesOf(
  url: string,
  acceptEncoding: string,
): Promise<{ readonly coding: string | undefined; readonly bytes: Buffer }> {
  return await new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': acceptEncoding } }, (response) => {
      const pieces: Uint8Array[] = []
      response.on('data', (piece: Uint8Array) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const coding = response.headers['content-encoding']
        resolve({ coding, bytes: Buffer.concat(pieces) })
      })
    }).on('error', reject)
  })
}

verifies(stu3('capability-urls'), async () => {
  const { requiresAccessToken, output } = all.manifest

  expect(requiresAccessToken).toBe(false)
  for (const { url } of output) expect((await fetch(url)).status).toBe(200)
})

verifies([122, 305, 306].map(bulkData), async () => {
  const { statusUrl, manifest } = await provider.exported('/$export?_type=Patient')

  const deleted = await provider.ask(statusUrl, { method: 'DELETE' })

  expect(deleted.status).toBe(202)
  await expectOutcome(await provider.ask(statusUrl), 404)
  const fileUrl = manifest.output[0]?.url ?? ''
  await eventually(async () => ((await fetch(fileUrl)).status === 404 ? true : undefined))
})

verifies([136, 137, 308, 309].map(bulkData), async () => {
  const nobodys = `${provider.url}/bulk-status/${'0'.repeat(32)}`

  await expectOutcome(await provider.ask(nobodys), 404)
  await expectOutcome(await provider.ask(nobodys, { method: 'DELETE' }), 404)
})

verifies([1, 217].map(bulkData), async () => {
  const metadata = (await (await provider.ask('/metadata')).json()) as {
    readonly instantiates: readonly string[]
    readonly rest: readonly [{ readonly operation: readonly { readonly name: string }[] }]
  }

  expect(metadata.instantiates).toContain(
    'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data',
  )
  expect(metadata.rest[0].operation.map(({ name }) => name)).toContain('export')
  expect((await provider.ask('/$export', { headers: ASYNC })).status).toBe(202)
})
