import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { mkdtemp, open, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RecyclingFileStream } from '../../src/recycling-file-stream.ts'
import type { Received } from './send.ts'
import { eventually, resource, startTestProvider, type TestProvider } from './test-provider.ts'

/** Enough for several chunks of every stream on the way, and nothing that compresses well. */
const PATIENTS = 300
const NOISE_BYTES = 3000

const LARGE_BYTES = 18 * 1024 * 1024

interface ExportedFile {
  readonly path: string
  readonly manifestEntry: Record<string, unknown>
}

/** Everything that the tests need of one way of storing files. */
interface Served extends AsyncDisposable {
  readonly provider: TestProvider
  readonly file: ExportedFile
  readonly ndjson: Buffer
}

async function serve(compression: 'gzip' | 'none'): Promise<Served> {
  const provider = await startTestProvider({ jobs: { compression } })
  await provider.resources.write(
    Array.from({ length: PATIENTS }, () => ({
      kind: 'create' as const,
      type: 'Patient' as const,
      body: resource('Patient', { note: randomBytes(NOISE_BYTES).toString('base64') }),
    })),
  )
  const [manifestEntry = {}] = (await provider.exported('/$export')).json()['output'] as Record<
    string,
    unknown
  >[]
  const path = new URL(String(manifestEntry['url'])).pathname.slice('/fhir'.length)
  const { body } = await provider.request(path, { headers: { 'accept-encoding': 'identity' } })
  return {
    provider,
    file: { path, manifestEntry },
    ndjson: body,
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  }
}

function sha256(bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding)
}

const GZIP = { 'accept-encoding': 'gzip' }
const IDENTITY = { 'accept-encoding': 'identity' }

describe.each(['gzip', 'none'] as const)('a file stored with compression %s', (compression) => {
  let served: Served
  const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Received> =>
    served.provider.request(served.file.path, { headers, method })
  const sentEncodings = compression === 'gzip' ? [IDENTITY, GZIP] : [IDENTITY]

  beforeAll(async () => {
    served = await serve(compression)
  })

  afterAll(async () => {
    await served[Symbol.asyncDispose]()
  })

  test('is what the manifest says, byte for byte', async () => {
    const { ndjson, file } = served

    const { status, body, headers } = await get()

    expect(status).toBe(200)
    expect(body.equals(ndjson)).toBe(true)
    expect(headers['content-type']).toBe('application/fhir+ndjson')
    expect(headers['content-encoding']).toBeUndefined()
    expect(body.toString().trimEnd().split('\n')).toHaveLength(Number(file.manifestEntry['count']))
    expect(JSON.stringify(file.manifestEntry['extension'])).toContain(sha256(body))
    expect(body.at(-1)).toBe(0x0a)
  })

  test.each(sentEncodings)('is described by its headers, sent as %o', async (encoding) => {
    const { status, body, headers } = await get(encoding)

    expect(status).toBe(200)
    expect(headers['content-length']).toBe(String(body.length))
    expect(headers['etag']).toBe(`"${sha256(body)}"`)
    expect(headers['repr-digest']).toBe(`sha-256=:${sha256(body, 'base64')}:`)
    expect(headers['vary']).toBe('Accept-Encoding')
    expect(headers['accept-ranges']).toBe('bytes')
    expect(headers['cache-control']).toBe('private, no-store')
  })

  test.each(sentEncodings)(
    'has the same headers for HEAD and GET, sent as %o',
    async (encoding) => {
      const got = await get(encoding)

      const { status, headers, body } = await get({ ...encoding, range: 'bytes=0-1' }, 'HEAD')

      expect(status).toBe(200)
      expect(body).toHaveLength(0)
      expect({ ...headers, date: '' }).toEqual({ ...got.headers, date: '' })
    },
  )

  test('is sent gzipped only to those who accept that, and only where it is stored so', async () => {
    const { headers, body } = await get({ 'accept-encoding': 'br, gzip;q=0.5' })
    const refused = await get({ 'accept-encoding': 'gzip;q=0, *;q=0.1' })

    expect(headers['content-encoding']).toBe(compression === 'gzip' ? 'gzip' : undefined)
    expect((compression === 'gzip' ? gunzipSync(body) : body).equals(served.ndjson)).toBe(true)
    expect(refused.headers['content-encoding']).toBeUndefined()
  })

  test.each(sentEncodings)('has any range of what is sent, sent as %o', async (encoding) => {
    const { body: whole } = await get(encoding)
    const position = fc.oneof(fc.nat(whole.length + 10), fc.constantFrom(0, whole.length - 1))

    await fc.assert(
      fc.asyncProperty(position, fc.option(position), async (a, b) => {
        const range = b === null ? `bytes=${a}-` : `bytes=${Math.min(a, b)}-${Math.max(a, b)}`
        const start = b === null ? a : Math.min(a, b)
        const end = Math.min(b === null ? Infinity : Math.max(a, b), whole.length - 1)

        const { status, headers, body } = await get({ ...encoding, range })

        if (start >= whole.length) {
          expect(status).toBe(416)
          expect(headers['content-range']).toBe(`bytes */${whole.length}`)
          expect(JSON.parse(body.toString())).toMatchObject({ resourceType: 'OperationOutcome' })
        } else {
          expect(status).toBe(206)
          expect(headers['content-range']).toBe(`bytes ${start}-${end}/${whole.length}`)
          expect(headers['content-length']).toBe(String(end - start + 1))
          expect(body.equals(whole.subarray(start, end + 1))).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  test.each(sentEncodings)('has suffix ranges, sent as %o', async (encoding) => {
    const { body: whole } = await get(encoding)

    const last = await get({ ...encoding, range: 'bytes=-7' })
    const everything = await get({ ...encoding, range: `bytes=-${whole.length + 5}` })
    const nothing = await get({ ...encoding, range: 'bytes=-0' })

    expect(last.body.equals(whole.subarray(-7))).toBe(true)
    expect(everything.status).toBe(206)
    expect(everything.body.equals(whole)).toBe(true)
    expect(nothing.status).toBe(416)
  })

  test.each(['bytes=0-1,5-6', 'lines=0-1', 'bytes=b-a', 'bytes=', 'bytes=5-1'])(
    'is sent whole for Range: %s',
    async (range) => {
      const { status, body } = await get({ range })

      expect(status).toBe(200)
      expect(body.equals(served.ndjson)).toBe(true)
    },
  )

  test('is continued only while If-Range names the very representation that is sent', async () => {
    const range = 'bytes=5-9'
    for (const encoding of sentEncodings) {
      const { headers, body: whole } = await get(encoding)
      const etag = headers['etag'] ?? ''

      const same = await get({ ...encoding, range, 'if-range': etag })
      expect(same.status).toBe(206)
      expect(same.body.equals(whole.subarray(5, 10))).toBe(true)

      const others = ['"other"', `W/${etag}`, 'Wed, 21 Oct 2026 07:28:00 GMT', `${etag}, ${etag}`]
      for (const ifRange of others) {
        const { status, body } = await get({ ...encoding, range, 'if-range': ifRange })
        expect([ifRange, status, body.length]).toEqual([ifRange, 200, whole.length])
      }
    }
    if (compression === 'gzip') {
      const { headers } = await get(GZIP)
      const other = await get({ ...IDENTITY, range, 'if-range': headers['etag'] ?? '' })
      expect(other.status).toBe(200)
    }
  })

  test('is not sent again to who has it', async () => {
    const { headers } = await get()
    const etag = headers['etag'] ?? ''

    for (const ifNoneMatch of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await get({ 'if-none-match': ifNoneMatch, range: 'bytes=0-1' })
      expect([answer.status, answer.body.length]).toEqual([304, 0])
      expect(answer.headers['etag']).toBe(etag)
      expect(answer.headers['vary']).toBe('Accept-Encoding')
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200)
    expect((await get({ 'if-match': '"x"' })).status).toBe(412)
    expect((await get({ 'if-match': etag })).status).toBe(200)
  })

  test('is 404 under any other name', async () => {
    const [, , jobId = '', fileId = ''] = served.file.path.split('/')
    const paths = [
      `/bulk-files/${jobId}/${'0'.repeat(32)}`,
      `/bulk-files/${'0'.repeat(32)}/${fileId}`,
      `/bulk-files/${jobId}/..%2f${fileId}`,
      `/bulk-files/${jobId}/${fileId}%00`,
      `/bulk-files/${jobId}/${fileId.toUpperCase()}`,
      `/bulk-files/${jobId}/x`,
    ].filter((path) => path !== served.file.path)
    for (const path of paths) {
      const answer = await served.provider.request(path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.json()['resourceType']).toBe('OperationOutcome')
    }
  })
})

/** Starts a download and reads no more of it than its beginning. */
async function beginDownload(provider: TestProvider, path: string): Promise<Socket> {
  const socket = connect(provider.port, '127.0.0.1')
  socket.on('error', () => undefined)
  const begun = new Promise((resolve) => socket.once('readable', resolve))
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n`)
  await begun
  return socket
}

/** A file larger than the buffers of a connection take. */
async function exportLargeFile(provider: TestProvider): Promise<string> {
  const data = randomBytes(LARGE_BYTES).toString('base64')
  await provider.resources.write([
    { kind: 'create', type: 'Binary', body: resource('Binary', { data }) },
  ])
  const [entry] = (await provider.exported('/$export')).json()['output'] as { url: string }[]
  return new URL(entry?.url ?? '').pathname
}

test.each(['gzip', 'none'] as const)(
  'a file stored with compression %s is closed when the client goes away',
  async (compression) => {
    await using provider = await startTestProvider({ jobs: { compression } })
    const directory = join(provider.directory, 'output-files')
    const path = await exportLargeFile(provider)
    const sockets = await Promise.all([
      beginDownload(provider, path),
      beginDownload(provider, path),
    ])
    expect(await countOpen(directory)).toBe(2)

    const warnings: Error[] = []
    const heed = (warning: Error): void => void warnings.push(warning)
    process.on('warning', heed)
    for (const socket of sockets) socket.destroy()

    await eventually(async () => ((await countOpen(directory)) === 0 ? true : undefined))
    process.off('warning', heed)
    // What was forgotten is closed by the garbage collector, with a warning.
    expect(warnings).toEqual([])
  },
)

test('a client that takes nothing of a large file is cut off, and the file closed', async () => {
  await using provider = await startTestProvider({
    provider: { timeouts: { stallMs: 150 } },
    jobs: { compression: 'none' },
  })
  const directory = join(provider.directory, 'output-files')
  const socket = await beginDownload(provider, await exportLargeFile(provider))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  expect(await countOpen(directory)).toBe(1)

  await eventually(async () => ((await countOpen(directory)) === 0 ? true : undefined))

  socket.resume()
  await closed
})

test('a file that is shorter than it should be ends the connection, not the answer', async () => {
  await using served = await serve('none')
  const { provider, file, ndjson } = served
  const [, , jobId = '', fileId = ''] = file.path.split('/')
  const handle = await open(join(provider.directory, 'output-files', jobId, fileId), 'r+')
  await handle.truncate(ndjson.length - 10)
  await handle.close()

  const headers = { connection: 'keep-alive' }
  await expect(provider.request(file.path, { headers })).rejects.toThrow(/aborted|reset|hang up/)
})

test('a file that is gone from the disk is a 404', async () => {
  await using served = await serve('none')
  const [, , jobId = '', fileId = ''] = served.file.path.split('/')
  await rm(join(served.provider.directory, 'output-files', jobId, fileId))

  expect((await served.provider.request(served.file.path)).status).toBe(404)
})

/** Descriptors of this process below a directory. */
async function countOpen(directory: string): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(
    names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  )
  return targets.filter((target) => target.startsWith(directory)).length
}

describe('a recycling file stream', () => {
  test('has the bytes of any range, whether chunks are given back or not', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'recycling-'))
    const path = join(directory, 'file')
    const content = randomBytes(1_500_000)
    await writeFile(path, content)

    const position = fc.nat(content.length - 1)
    await fc.assert(
      fc.asyncProperty(position, position, fc.boolean(), async (a, b, recycles) => {
        const range = { start: Math.min(a, b), end: Math.max(a, b) }
        const stream = new RecyclingFileStream(await open(path), range)
        const hash = createHash('sha256')
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          hash.update(chunk)
          if (recycles) stream.recycle(chunk)
        }

        expect(hash.digest('hex')).toBe(sha256(content.subarray(range.start, range.end + 1)))
      }),
      { numRuns: 30 },
    )
    await rm(directory, { recursive: true })
  })

  test('fills memory again that was given back', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'recycling-'))
    const path = join(directory, 'file')
    await writeFile(path, randomBytes(4 * 1024 * 1024))
    const stream = new RecyclingFileStream(await open(path))
    const memories = new Set<ArrayBufferLike>()

    for await (const chunk of stream as AsyncIterable<Buffer>) {
      memories.add(chunk.buffer)
      stream.recycle(chunk)
    }

    expect(memories.size).toBeLessThanOrEqual(3)
    await rm(directory, { recursive: true })
  })
})
