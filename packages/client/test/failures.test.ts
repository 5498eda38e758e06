import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runExport } from '@flatfhir/client'
import {
  filesIn,
  failureOf,
  InstantClock,
  ndjson,
  startProvider,
  temporaryDirectory,
} from './fixtures.ts'

describe('a provider that cannot be reached', () => {
  test('because nobody listens is named, with the next step', async () => {
    const provider = await startProvider()
    await provider.close()

    const error = await failureOf(provider)

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'refused' })
    expect(error.message).toBe(`The host refused the connection: ${provider.origin}`)
    expect(error.nextStep).toContain('port')
  })

  test('because its name does not exist is named', async () => {
    const error = await failureOf({ url: 'http://no-such-host.invalid/fhir' })

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'unknown-host' })
    expect(error.nextStep).toContain('DNS')
  })

  test('because it does not speak TLS is named', async () => {
    const provider = await startProvider()

    const error = await failureOf({ url: provider.url.replace('http:', 'https:') })

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'tls' })
  })

  test('because it does not speak HTTP is named', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write('220 mail.example.org ESMTP\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo

    const error = await failureOf({ url: `http://127.0.0.1:${port}/fhir` })

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'not-http' })
  })

  test('because it is silent is named', async () => {
    const provider = await startProvider({ kickOff: [{ status: 202, instead: 'hang' }] })

    const error = await failureOf(provider, { idleTimeoutMs: 300 })

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'idle-timeout' })
  })
})

describe('a kick-off that is refused', () => {
  test.each([
    [400, 'parameters'],
    [401, 'token'],
    [403, 'scopes'],
    [404, 'Group id'],
    [405, 'GET and POST'],
    [500, 'operator'],
  ])('with %i has a next step that speaks of %s', async (status, word) => {
    const diagnostics = 'Muster'
    const body = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'value', diagnostics }],
    }
    const provider = await startProvider({ kickOff: [{ status, body }] })

    const error = await failureOf(provider)

    expect(error).toMatchObject({ code: 'REQUEST_REJECTED', status, request: 'Kick-off' })
    expect(error.message).toBe(`Kick-off request was rejected with HTTP ${status} (error value)`)
    expect(error.nextStep).toContain(word)
  })

  test('with 429 for too long says so', async () => {
    const provider = await startProvider({ kickOff: Array(5).fill({ status: 429 }) })

    const error = await failureOf(provider, { maxThrottles: 3 })

    expect(error).toMatchObject({ code: 'REQUEST_REJECTED', status: 429, retryable: true })
  })

  test.each([{}, { 'content-location': 'ftp://x/y' }, { 'content-location': 'http://' }])(
    'or accepted with the headers %j is an invalid answer',
    async (headers) => {
      const provider = await startProvider({ kickOff: [{ status: 202, headers }] })

      const error = await failureOf(provider)

      expect(error.code).toBe('PROVIDER_ANSWER_INVALID')
    },
  )

  test('takes a relative status URL', async () => {
    const provider = await startProvider({
      kickOff: [{ status: 202, headers: { 'content-location': '../status/1' } }],
    })

    const report = await runExport({
      url: provider.url,
      level: 'system',
      directory: await temporaryDirectory(),
      clock: new InstantClock(),
    })

    expect(report).toMatchObject({ verdict: 'complete', statusUrl: provider.statusUrl })
  })
})

describe('an abandoned run', () => {
  const content = ndjson('Patient', 3000)

  test.each([
    ['polling', { status: [{ status: 202, instead: 'hang' as const }] }, '/status/1'],
    [
      'downloading',
      {
        files: [
          { type: 'Patient', content, always: { cutAfterBytes: 1000, afterCut: 'hang' as const } },
        ],
      },
      '/files/0',
    ],
  ])('while %s deletes the export and leaves no half file', async (_, script, path) => {
    const provider = await startProvider(script)
    const directory = await temporaryDirectory()
    const stop = new AbortController()

    const failure = failureOf(provider, { directory, signal: stop.signal })
    await provider.requested((request) => request.path === path)
    stop.abort()

    expect(await failure).toMatchObject({ code: 'EXPORT_ABORTED', deleted: true })
    expect(provider.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/status/1' })
    expect(await filesIn(directory)).toEqual([])
  })

  test('while waiting for the next poll ends at once', async () => {
    const provider = await startProvider({
      status: [{ status: 202, headers: { 'retry-after': '3000' } }],
    })
    const stop = new AbortController()

    const run = runExport({
      url: provider.url,
      level: 'system',
      directory: await temporaryDirectory(),
      signal: stop.signal,
      onEvent: ({ type }) => {
        if (type === 'status-progress')
          setImmediate(() => {
            stop.abort()
          })
      },
    })

    await expect(run).rejects.toMatchObject({ code: 'EXPORT_ABORTED', deleted: true })
  })

  test('before it began asks for nothing', async () => {
    const provider = await startProvider()

    const error = await failureOf(provider, { signal: AbortSignal.abort() })

    expect(error).toMatchObject({ code: 'EXPORT_ABORTED', deleted: true })
    expect(provider.requests).toEqual([])
  })

  test('says so when the provider does not confirm the delete', async () => {
    const provider = await startProvider({
      status: [{ status: 202, instead: 'hang' }],
      delete: [{ status: 403 }],
    })
    const stop = new AbortController()

    const failure = failureOf(provider, { signal: stop.signal })
    await provider.requested(({ path }) => path === '/status/1')
    stop.abort()

    expect(await failure).toMatchObject({ code: 'EXPORT_ABORTED', deleted: false })
  })
})
