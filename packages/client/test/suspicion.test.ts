import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  exportFrom,
  failureOf,
  filesIn,
  ndjson,
  startProvider,
  temporaryDirectory,
} from './fixtures.ts'

const CONTENT = ndjson('Patient', 5)
const FILE = { type: 'Patient', content: CONTENT }
const accessToken = async (): Promise<string> => 'secret-token'
const BEARER = 'Bearer secret-token'

describe('the token', () => {
  test('goes to kick-off, status, files and delete of the provider', async () => {
    const provider = await startProvider({ token: 'secret-token', files: [FILE] })

    const { report } = await exportFrom(provider, { accessToken })

    expect(report).toMatchObject({ verdict: 'complete', deleted: true })
    expect(provider.requests.map(({ headers }) => headers['authorization'])).toEqual(
      Array(4).fill(BEARER),
    )
  })

  test('does not go to files of a manifest that says requiresAccessToken: false', async () => {
    const provider = await startProvider({
      token: 'secret-token',
      files: [FILE],
      manifest: (manifest) => ({ ...manifest, requiresAccessToken: false }),
    })

    await exportFrom(provider, { accessToken })

    expect(provider.requestsForFile(0)[0]?.headers).not.toHaveProperty('authorization')
  })

  test('does not go to another origin that the manifest names, nor do the own headers', async () => {
    const elsewhere = await startProvider({ files: [FILE] })
    const provider = await startProvider({
      token: 'secret-token',
      files: [{ ...FILE, entry: { url: `${elsewhere.origin}/files/0` } }],
    })

    const { report } = await exportFrom(provider, { accessToken, headers: { 'x-api-key': 'key' } })

    expect(report.verdict).toBe('complete')
    expect(provider.requests[0]?.headers).toMatchObject({ 'x-api-key': 'key' })
    expect(elsewhere.requests).toHaveLength(1)
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty('authorization')
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty('x-api-key')
  })

  test('does not follow a redirect to another origin, nor back from there', async () => {
    const provider = await startProvider({ files: [FILE, FILE] })
    const elsewhere = await startProvider({
      files: [{ ...FILE, always: redirectTo(`${provider.origin}/files/1`) }],
    })
    const first = await startProvider({
      token: 'secret-token',
      files: [{ ...FILE, always: redirectTo(`${elsewhere.origin}/files/0`) }],
    })

    const { report } = await exportFrom(first, { accessToken })

    expect(report.verdict).toBe('complete')
    expect(first.requestsForFile(0)[0]?.headers).toMatchObject({ authorization: BEARER })
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty('authorization')
    expect(provider.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test('is asked for again, once, when the provider refuses it', async () => {
    const provider = await startProvider({ token: 'fresh', files: [FILE] })
    const asked: unknown[] = []

    const { report } = await exportFrom(provider, {
      accessToken: async (request) => {
        asked.push(request)
        return request.rejectedToken === undefined && asked.length === 1 ? 'stale' : 'fresh'
      },
    })

    expect(report.verdict).toBe('complete')
    expect(asked.slice(0, 2)).toEqual([{}, { rejectedToken: 'stale' }])
  })

  test('is in no error, event or report', async () => {
    const provider = await startProvider({ token: 'other' })

    const error = await failureOf(provider, { accessToken })

    expect(error).toMatchObject({ code: 'REQUEST_REJECTED', status: 401 })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-token')
  })
})

describe('a hostile manifest', () => {
  test.each(['../../etc', '/etc/passwd', 'C:\\x', 'Patient/../../x', 'NotAType'])(
    'cannot choose the name of a file by the type %s',
    async (type) => {
      const content = `${JSON.stringify({ resourceType: type })}\n`
      const provider = await startProvider({ files: [{ type, content }] })
      const directory = join(await temporaryDirectory(), 'a', 'b', 'c')

      const { report } = await exportFrom(provider, { directory })

      expect(report.verdict).toBe('complete')
      expect(report.problems).toMatchObject([{ code: 'UNKNOWN_TYPE', severity: 'warning' }])
      expect(await filesIn(directory)).toEqual(['unknown-type.000.ndjson'])
    },
  )

  test('with a URL that holds a password fails that file alone', async () => {
    const provider = await startProvider({
      files: [{ ...FILE, entry: { url: 'http://u:p@127.0.0.1/x' } }, FILE],
    })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('incomplete')
    expect(report.problems).toMatchObject([{ code: 'URL_REFUSED' }])
  })

  test.each([
    ['is not JSON', 'nonsense', 'PROVIDER_ANSWER_INVALID'],
    ['is no object', [], 'MANIFEST_INVALID'],
    ['has no transactionTime', { output: [] }, 'MANIFEST_INVALID'],
    [
      'has a file without URL',
      { transactionTime: '2026-01-01T00:00:00Z', output: [{ type: 'Patient' }] },
      'MANIFEST_INVALID',
    ],
  ])('that %s ends the run', async (_, body, code) => {
    const provider = await startProvider({ status: [{ status: 200, body }] })

    const error = await failureOf(provider)

    expect(error.code).toBe(code)
  })

  test('whose pages go in circles ends the run', async () => {
    const link = [{ relation: 'next', url: '/status/1' }]
    const provider = await startProvider({ manifest: (manifest) => ({ ...manifest, link }) })

    const error = await failureOf(provider)

    expect(error.code).toBe('MANIFEST_INVALID')
  })

  test('whose pages differ in transactionTime ends the run', async () => {
    const provider = await startProvider({
      files: [FILE, FILE],
      filesPerPage: 1,
      manifest: (manifest, page) => ({
        ...manifest,
        transactionTime: `2026-01-0${page + 1}T00:00:00Z`,
      }),
    })

    const error = await failureOf(provider)

    expect(error.code).toBe('MANIFEST_INVALID')
  })

  test('with the same file twice is reported', async () => {
    const provider = await startProvider({ files: [FILE, { ...FILE, entry: { url: '/files/0' } }] })

    const { report } = await exportFrom(provider)

    expect(report.problems).toMatchObject([{ code: 'DUPLICATE_URL', file: 'Patient.001.ndjson' }])
  })

  test('with relative URLs is read', async () => {
    const provider = await startProvider({
      files: [{ ...FILE, entry: { url: '../files/0', extra: {} } }],
    })

    const { directory } = await exportFrom(provider)

    expect(await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')).toBe(CONTENT)
  })
})

describe('a redirect', () => {
  test('in circles is not followed for ever', async () => {
    const provider = await startProvider({ files: [{ ...FILE, always: redirectTo('/files/0') }] })

    const { report } = await exportFrom(provider)

    expect(report.problems).toMatchObject([{ code: 'REDIRECT_REFUSED' }])
    expect(provider.requestsForFile(0)).toHaveLength(6)
  })

  test.each([
    [302, 'http://127.0.0.1/x', 'method-change'],
    [307, 'file:///etc/passwd', 'not-http'],
    [308, undefined, 'no-location'],
  ])('of a POST with %i to %s is refused', async (status, location, fault) => {
    const headers = location === undefined ? {} : { location }
    const provider = await startProvider({ kickOff: [{ status, headers }] })

    const error = await failureOf(provider, { method: 'POST' })

    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', fault })
  })

  test('of a kick-off with 307 keeps method and body', async () => {
    const provider = await startProvider({
      kickOff: [{ status: 307, headers: { location: '/fhir/Patient/$export' } }],
    })

    const { report } = await exportFrom(provider, { method: 'POST' })

    expect(report.verdict).toBe('complete')
    expect(provider.requests[1]).toMatchObject({ method: 'POST', path: '/fhir/Patient/$export' })
    expect(provider.requests[1]?.body).toBe(provider.requests[0]?.body)
  })
})

function redirectTo(location: string): object {
  return { answer: { status: 307, headers: { location } } }
}
