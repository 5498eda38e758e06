import { createDataProvider, type DataProvider } from '@flatfhir/server'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startExports, type ExportFixture } from '../jobs/export-fixture.ts'
import type { Fault, GeneratedType } from '../jobs/generated-resource-store.ts'
import { linesOf, type WireManifest } from './parameters-provider.ts'
import { send, type Received } from './send.ts'
import { eventually } from './test-provider.ts'

const BASE = 'https://bulk.example.org/fhir'
const FILE_BYTES = 1000
const GATE = 'open'

/** A provider over made-up resources, which stays the same to clients over restarts. */
class Restartable {
  exports: ExportFixture
  #provider: DataProvider
  #port: number

  private constructor(exports: ExportFixture, provider: DataProvider, port: number) {
    this.exports = exports
    this.#provider = provider
    this.#port = port
  }

  static async start(types: readonly GeneratedType[]): Promise<Restartable> {
    const exports = await startExports(types, {
      ...{ maxFileBytes: FILE_BYTES, partitionBytes: 2 * FILE_BYTES, workers: 1, maxAttempts: 1 },
      graceMs: 50,
    })
    return new Restartable(exports, ...(await listen(exports)))
  }

  async restart(): Promise<void> {
    await this.#provider.close()
    this.exports = await this.exports.restart()
    const [provider, port] = await listen(this.exports)
    this.#provider = provider
    this.#port = port
  }

  async openGate(): Promise<void> {
    await writeFile(join(this.exports.directory, GATE), '')
  }

  async get(url: string): Promise<Received> {
    return await send(this.#port, { path: url.replace('https://bulk.example.org', '') })
  }

  async kickOff(query: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = await send(this.#port, {
      path: `/fhir/$export?${query}`,
      headers: { prefer: 'respond-async', ...headers },
    })
    expect(answer.status).toBe(202)
    return answer.headers['content-location'] ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.openGate()
    await this.#provider.close()
    await this.exports[Symbol.asyncDispose]()
  }
}

async function listen(exports: ExportFixture): Promise<[DataProvider, number]> {
  const { resources, exportJobs: jobs } = exports
  const provider = await createDataProvider({ resources, jobs, baseUrl: BASE })
  const { port } = await provider.listen({ host: '127.0.0.1', port: 0 })
  return [provider, port]
}

let running: Restartable | undefined

afterEach(async () => {
  await running?.[Symbol.asyncDispose]()
  running = undefined
})

/** Patients are written at once, Observations when the gate opens. */
async function startGated(fault?: Fault): Promise<Restartable> {
  const size = { lineBytes: 200, linesPerBlock: 3 }
  running = await Restartable.start([
    { type: 'Patient', count: 60, ...size },
    { type: 'Observation', count: 30, ...size, gate: GATE, ...(fault !== undefined && { fault }) },
  ])
  return running
}

interface Page {
  readonly url: string
  readonly answer: Received
  readonly manifest: WireManifest
}

/** Pages that can be had now, by following the links. */
async function pagesFrom(provider: Restartable, statusUrl: string): Promise<readonly Page[]> {
  const pages: Page[] = []
  let url: string | undefined = statusUrl
  while (url !== undefined) {
    const answer = await provider.get(url)
    if (answer.body.length === 0) return pages
    const manifest = answer.json() as WireManifest
    pages.push({ url, answer, manifest })
    url = manifest.link?.find(({ relation }) => relation === 'next')?.url
  }
  return pages
}

/** All Patients are written, and no Observation can be. */
async function partialPages(provider: Restartable, statusUrl: string): Promise<readonly Page[]> {
  return await eventually(async () => {
    const pages = await pagesFrom(provider, statusUrl)
    // Of the files of 60 Patients at five a file, pages of 1, 2 and 4 are full.
    return pages.length >= 3 ? pages : undefined
  })
}

async function completePages(provider: Restartable, statusUrl: string): Promise<readonly Page[]> {
  await eventually(async () => ((await provider.get(statusUrl)).status === 200 ? true : undefined))
  return await pagesFrom(provider, statusUrl)
}

const ofPages = (pages: readonly Page[]): readonly string[] =>
  pages.flatMap(({ manifest }) => manifest.output.map(({ url }) => url))

/** What may never change once it was told. */
const unlinked = ({ manifest }: Page): unknown => ({ ...manifest, link: undefined })

test('manifests appear while the export runs, and each page stays as it is until the end', async () => {
  const provider = await startGated()
  const statusUrl = await provider.kickOff('allowPartialManifests=true')

  const early = await partialPages(provider, statusUrl)

  for (const { answer, manifest } of early) {
    expect(answer.status).toBe(202)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['x-progress']).toMatch(/^\d+%/)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(manifest.transactionTime).toBe(early[0]?.manifest.transactionTime)
    expect(manifest['request']).toBe(`${BASE}/$export?allowPartialManifests=true`)
    for (const { url, type } of manifest.output) {
      expect(type).toBe('Patient')
      expect((await provider.get(url)).status).toBe(200)
    }
  }
  await provider.openGate()
  const pages = await completePages(provider, statusUrl)
  expect(pages.slice(0, early.length).map(unlinked)).toEqual(early.map(unlinked))
  expect(pages.slice(0, early.length).map(({ url }) => url)).toEqual(early.map(({ url }) => url))
  expect(pages.at(-1)?.manifest.link).toBeUndefined()
  const urls = ofPages(pages)
  expect(new Set(urls).size).toBe(urls.length)
  const texts = await Promise.all(
    urls.map(async (url) => (await provider.get(url)).body.toString()),
  )
  const ids = texts.flatMap(linesOf).map(({ id }) => String(id))
  expect([ids.length, new Set(ids).size]).toEqual([90, 90])
})

test('what was told before a restart is told after it, and its files are the same bytes', async () => {
  const provider = await startGated()
  const statusUrl = await provider.kickOff('allowPartialManifests=true')
  const early = await partialPages(provider, statusUrl)
  const bytes = await Promise.all(ofPages(early).map(async (url) => (await provider.get(url)).body))

  await provider.restart()

  const later = await partialPages(provider, statusUrl)
  expect(later.slice(0, early.length).map(unlinked)).toEqual(early.map(unlinked))
  await provider.openGate()
  const pages = await completePages(provider, statusUrl)
  expect(pages.slice(0, early.length).map(unlinked)).toEqual(early.map(unlinked))
  const again = await Promise.all(ofPages(early).map(async (url) => (await provider.get(url)).body))
  expect(again).toEqual(bytes)
  const urls = ofPages(pages)
  expect(new Set(urls).size).toBe(urls.length)
})

test('an export that fails after a page was told says so, everywhere', async () => {
  const provider = await startGated({ kind: 'throw' })
  const statusUrl = await provider.kickOff('allowPartialManifests=true')
  const early = await partialPages(provider, statusUrl)

  await provider.openGate()

  const failed = await eventually(async () => {
    const answer = await provider.get(statusUrl)
    return answer.status === 202 ? undefined : answer
  })
  expect(failed.status).toBe(500)
  expect(failed.headers['content-type']).toBe('application/fhir+json')
  for (const { url } of early) expect((await provider.get(url)).status).toBe(500)
  for (const url of ofPages(early)) expect((await provider.get(url)).status).toBe(404)
})

test('with separate-export-status the HTTP status is that of the request', async () => {
  const provider = await startGated()
  const prefer = 'respond-async, separate-export-status'
  const statusUrl = await provider.kickOff('allowPartialManifests=true', { prefer })

  const pages = await partialPages(provider, statusUrl)

  for (const { answer } of pages) {
    expect([answer.status, answer.headers['x-export-status']]).toEqual([200, '202'])
  }
})

test('without allowPartialManifests nothing is told before the end, and then all on one page', async () => {
  const provider = await startGated()
  const statusUrl = await provider.kickOff('allowPartialManifests=false')

  await eventually(() =>
    provider.exports.events.some(({ name }) => name === 'partition-committed') ? true : undefined,
  )
  const early = await provider.get(statusUrl)
  await provider.openGate()
  const pages = await completePages(provider, statusUrl)

  expect([early.status, early.body.length]).toEqual([202, 0])
  expect(pages).toHaveLength(1)
  expect(pages[0]?.manifest.output.length).toBeGreaterThan(3)
  expect((await provider.get(`${statusUrl}?page=1`)).status).toBe(404)
})

test.each(['x', '-1', '1e3', '9999999', '99'])('there is no page %s', async (page) => {
  const provider = await startGated()
  await provider.openGate()
  const statusUrl = await provider.kickOff('allowPartialManifests=true')
  await completePages(provider, statusUrl)

  expect((await provider.get(`${statusUrl}?page=${page}`)).status).toBe(404)
})
