import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { eventsOf, exportFrom, failureOf, filesIn, ndjson, sha256 } from './fixtures.ts'
import { startProvider, temporaryDirectory } from './fixtures.ts'

const PATIENTS = ndjson('Patient', 300)
const OBSERVATIONS = ndjson('Observation', 2000)
const DELETED = '{"resourceType":"Bundle","type":"transaction","entry":[{},{}]}\n'
const OUTCOMES =
  '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing"},{"severity":"warning","code":"Smith"}]}\n'

describe('an export that goes well', () => {
  test('ends with every file on disk, byte for byte, checked, and the export deleted', async () => {
    const provider = await startProvider({
      files: [
        { type: 'Patient', content: PATIENTS },
        { type: 'Observation', content: OBSERVATIONS },
        { type: 'Observation', content: ndjson('Observation', 1) },
        { type: 'Bundle', kind: 'deleted', content: DELETED },
        { type: 'OperationOutcome', kind: 'outcome', content: OUTCOMES },
      ],
    })

    const { report, directory, events } = await exportFrom(provider)

    expect(report).toMatchObject({
      verdict: 'complete',
      deleted: true,
      resources: 2301,
      deletions: 2,
      problems: [],
      outcomes: [
        { severity: 'error', code: 'processing', count: 1 },
        { severity: 'warning', code: 'unknown', count: 1 },
      ],
    })
    expect(report.transactionTime.toISOString()).toBe('2026-11-01T12:00:00.000Z')
    expect(await filesIn(directory)).toEqual([
      'Observation.000.ndjson',
      'Observation.001.ndjson',
      'Patient.000.ndjson',
      'deleted/Bundle.000.ndjson',
      'error/OperationOutcome.000.ndjson',
    ])
    expect(await readFile(join(directory, 'Observation.000.ndjson'), 'utf8')).toBe(OBSERVATIONS)
    expect(report.files[0]?.received).toEqual({
      count: 300,
      bytes: Buffer.byteLength(PATIENTS),
      sha256: sha256(PATIENTS),
    })
    expect(provider.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/status/1' })
    expect(events.map(({ type }) => type).filter((type) => !type.startsWith('download'))).toEqual([
      'kick-off',
      'manifest-page',
      'manifest',
      'deleted',
    ])
    expect(eventsOf(events, 'download-finished')).toHaveLength(5)
  })

  test.each(['gzip', 'identity'] as const)('takes files sent with coding %s', async (coding) => {
    const provider = await startProvider({
      files: [{ type: 'Observation', content: OBSERVATIONS, always: { coding } }],
    })

    const { directory } = await exportFrom(provider)

    expect(await readFile(join(directory, 'Observation.000.ndjson'), 'utf8')).toBe(OBSERVATIONS)
  })

  test.each(['gzip', 'identity'] as const)(
    'keeps files compressed on demand when they are sent with coding %s',
    async (coding) => {
      const provider = await startProvider({
        files: [{ type: 'Observation', content: OBSERVATIONS, always: { coding } }],
      })

      const { report, directory } = await exportFrom(provider, { gzip: true })

      const stored = await readFile(join(directory, 'Observation.000.ndjson.gz'))
      expect(gunzipSync(stored).toString('utf8')).toBe(OBSERVATIONS)
      expect(report.files[0]?.received.sha256).toBe(sha256(OBSERVATIONS))
    },
  )

  test('takes a manifest without files, and without "error" and "deleted"', async () => {
    const provider = await startProvider({
      manifest: ({ transactionTime }) => ({
        transactionTime,
        requiresAccessToken: false,
        output: [],
      }),
    })

    const { report } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', files: [], resources: 0 })
  })

  test('follows the pages of a manifest, and gives no name twice', async () => {
    const files = Array.from({ length: 7 }, (_, index) => ({
      type: 'Patient',
      content: ndjson('Patient', index + 1),
    }))
    const provider = await startProvider({ files, filesPerPage: 3 })

    const { report, directory, events } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', resources: 28 })
    expect(await filesIn(directory)).toHaveLength(7)
    expect(await readFile(join(directory, 'Patient.006.ndjson'), 'utf8')).toBe(files[6]?.content)
    expect(eventsOf(events, 'manifest')[0]).toMatchObject({ pages: 3 })
  })

  test('takes the last line without a line feed, and lines that end in CR LF', async () => {
    const content = '{"resourceType":"Patient","id":"1"}\r\n{"resourceType":"Patient","id":"2"}'
    const provider = await startProvider({ files: [{ type: 'Patient', content }] })

    const { report } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', resources: 2, problems: [] })
  })

  test('leaves the export at the provider on demand', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: PATIENTS }] })

    const { report } = await exportFrom(provider, { deleteWhenDone: false })

    expect(report).toMatchObject({ verdict: 'complete', deleted: false })
    expect(provider.requests.some(({ method }) => method === 'DELETE')).toBe(false)
  })

  test('reports a failed delete as a warning', async () => {
    const provider = await startProvider({ delete: [{ status: 405 }] })

    const { report } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', deleted: false })
    expect(report.problems).toMatchObject([{ code: 'DELETE_FAILED', severity: 'warning' }])
  })

  test('sends a file of many blocks through both threads in the right order', async () => {
    const content = ndjson('Observation', 60_000)
    const provider = await startProvider({
      files: [{ type: 'Observation', content: content + '{"resourceType":"Patient"}\n' }],
    })

    const { report } = await exportFrom(provider, { verificationThreads: 2 })

    expect(report.problems).toMatchObject([{ code: 'LINE_INVALID', lineNumber: 60_001 }])
  })
})

describe('the kick-off request', () => {
  test.each([
    [{ level: 'system' }, '/fhir/$export'],
    [{ level: 'patient' }, '/fhir/Patient/$export'],
    [{ level: 'group', groupId: 'g-1' }, '/fhir/Group/g-1/$export'],
  ] as const)('for %j goes to %s', async (options, path) => {
    const provider = await startProvider()

    await exportFrom(provider, options)

    expect(provider.requests[0]).toMatchObject({ method: 'GET', path })
    expect(provider.requests[0]?.headers).toMatchObject({
      accept: 'application/fhir+json',
      prefer: 'respond-async',
    })
  })

  test('has the parameters in the query of a GET', async () => {
    const provider = await startProvider()

    await exportFrom(provider, {
      parameters: { types: ['Patient', 'Group'], since: new Date('2026-01-02T03:04:05Z') },
    })

    const query = new URL(provider.requests[0]?.path ?? '', provider.url).searchParams
    expect(query.getAll('_type').join(',')).toBe('Patient,Group')
    expect(Date.parse(query.get('_since') ?? '')).toBe(Date.parse('2026-01-02T03:04:05Z'))
  })

  test('has the parameters in the body of a POST', async () => {
    const provider = await startProvider()

    await exportFrom(provider, { method: 'POST', parameters: { types: ['Patient'] } })

    const [request] = provider.requests
    expect(request).toMatchObject({ method: 'POST', path: '/fhir/$export' })
    expect(request?.headers['content-type']).toBe('application/fhir+json')
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ resourceType: 'Parameters' })
  })

  test.each(['a/b', '..', 'a b', '', undefined])('refuses the Group id %j', async (groupId) => {
    const provider = await startProvider()

    const error = await failureOf(provider, { level: 'group', groupId })

    expect(error.code).toBe('EXPORT_OPTIONS_INVALID')
    expect(provider.requests).toEqual([])
  })

  test.each(['ftp://host/fhir', 'nonsense', 'http://user:secret@host/fhir', 'http://host/$export'])(
    'refuses the base URL %s',
    async (url) => {
      const error = await failureOf({ url })

      expect(error.code).toBe('EXPORT_OPTIONS_INVALID')
      expect(error.message).not.toContain('secret')
    },
  )
})

describe('the folder', () => {
  test('is made when it is missing', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: PATIENTS }] })
    const directory = join(await temporaryDirectory(), 'a', 'b')

    await exportFrom(provider, { directory })

    expect(await filesIn(directory)).toEqual(['Patient.000.ndjson'])
  })

  test('that holds anything is refused before anything is asked, and nothing is overwritten', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: PATIENTS }] })
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'Patient.000.ndjson'), 'precious')

    const error = await failureOf(provider, { directory })

    expect(error).toMatchObject({ code: 'EXPORT_DIRECTORY_REFUSED', fault: 'not-empty' })
    expect(await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')).toBe('precious')
    expect(provider.requests).toEqual([])
  })

  test('of a running export is refused to another', async () => {
    const provider = await startProvider({ status: [{ status: 202, instead: 'hang' }] })
    const directory = await temporaryDirectory()
    const stop = new AbortController()
    const first = exportFrom(provider, { directory, signal: stop.signal }).catch(() => undefined)
    await provider.requested(({ path }) => path === '/status/1')

    const error = await failureOf(provider, { directory })

    expect(error).toMatchObject({ code: 'EXPORT_DIRECTORY_REFUSED', fault: 'in-use' })
    stop.abort()
    await first
    expect(await filesIn(directory)).toEqual([])
  })

  test('that cannot be made is refused with the reason', async () => {
    const provider = await startProvider()
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')

    const error = await failureOf(provider, { directory: join(file, 'folder') })

    expect(error).toMatchObject({ code: 'EXPORT_DIRECTORY_REFUSED', fault: 'not-writable' })
  })
})
