import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { clientLimits } from '../../src/access/client-limits.ts'
import type { Received } from '../http/send.ts'
import { resource } from '../http/test-provider.ts'
import {
  exportAndWait,
  pathOf,
  startSecureProvider,
  type SecureProvider,
} from './secure-provider.ts'

function expectThrottled(answer: Received): number {
  expect(answer.status).toBe(429)
  expect(answer.json()).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'throttled' }],
  })
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
  return Number(answer.headers['retry-after'])
}

async function addPatient({ provider }: SecureProvider): Promise<void> {
  const body = resource('Patient', { id: 'p' })
  await provider.resources.write([{ kind: 'update', type: 'Patient', id: 'p', body }])
}

describe('concurrent jobs', () => {
  const kickOff = (secure: SecureProvider, headers: Record<string, string>): Promise<Received> =>
    secure.provider.request('/$export', { headers: { prefer: 'respond-async', ...headers } })

  test('are limited for each client, also when it asks for many at one time', async () => {
    await using secure = await startSecureProvider({
      smart: { limits: { maxConcurrentJobs: 2 } },
      jobs: { retryDelayMs: 600_000 },
    })
    await addPatient(secure)
    // No file can be written where a file is in the directory's place, so that no job ends.
    const outputFiles = join(secure.provider.directory, 'output-files')
    await rm(outputFiles, { recursive: true, force: true })
    await writeFile(outputFiles, '')
    const first = await secure.login(await secure.addClient())
    const second = await secure.login(await secure.addClient())
    const third = await secure.login(await secure.addClient({ quotas: { maxConcurrentJobs: 4 } }))

    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => kickOff(secure, first)))
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => kickOff(secure, third)))

    const statuses = answers.map(({ status }) => status).toSorted()
    expect(statuses).toEqual([202, 202, 429, 429, 429])
    for (const answer of answers) if (answer.status === 429) expectThrottled(answer)
    expect(others.map(({ status }) => status).toSorted()).toEqual([202, 202, 202, 202, 429])
    expect((await kickOff(secure, second)).status).toBe(202)

    await rm(outputFiles)
    await mkdir(outputFiles)
    const accepted = answers.find(({ status }) => status === 202)
    await secure.provider.request(pathOf(accepted?.headers['content-location'] ?? ''), {
      method: 'DELETE',
      headers: first,
    })
    expect((await kickOff(secure, first)).status).toBe(202)
  })
})

describe('status requests', () => {
  test('are limited for each job', async () => {
    await using secure = await startSecureProvider()
    const headers = await secure.login(
      await secure.addClient({ quotas: { maxPollsPerMinute: 60 } }),
    )
    const accepted = await secure.provider.request('/$export', {
      headers: { prefer: 'respond-async', ...headers },
    })
    const path = pathOf(accepted.headers['content-location'] ?? '')
    const poll = (): Promise<Received> => secure.provider.request(path, { headers })

    let answer = await poll()
    for (let polls = 1; answer.status !== 429 && polls < 200; polls += 1) answer = await poll()
    const waitSeconds = expectThrottled(answer)
    secure.shiftClock(waitSeconds * 1000)

    expect([200, 202]).toContain((await poll()).status)
  })
})

describe('bytes per day', () => {
  test('end with the file that crosses the limit, until the next day', async () => {
    await using secure = await startSecureProvider({ smart: { limits: { maxBytesPerDay: 10 } } })
    await addPatient(secure)
    const client = await secure.addClient()
    const headers = await secure.login(client)
    const { files } = await exportAndWait(secure, '/$export', headers)
    const get = (range?: string): Promise<Received> =>
      secure.provider.request(files[0]?.path ?? '', {
        headers: { ...headers, ...(range !== undefined && { range }) },
      })

    expect((await get('bytes=0-3')).status).toBe(206)
    expect((await get()).status).toBe(200)
    const waitSeconds = expectThrottled(await get())

    const nowSeconds = Math.floor(secure.now().getTime() / 1000)
    const pastMidnight = (nowSeconds + waitSeconds + 5) % 86_400
    expect(pastMidnight).toBeLessThan(10)
    secure.shiftClock((waitSeconds + 1) * 1000)
    const tomorrow = await secure.login(client)
    const answer = await secure.provider.request(files[0]?.path ?? '', { headers: tomorrow })
    expect(answer.status).toBe(200)
  })

  test('count what was sent, not what was asked for', async () => {
    await using secure = await startSecureProvider({ smart: { limits: { maxBytesPerDay: 1 } } })
    await addPatient(secure)
    const headers = await secure.login(await secure.addClient())
    const { files } = await exportAndWait(secure, '/$export', headers)
    const path = files[0]?.path ?? ''

    const head = await secure.provider.request(path, { method: 'HEAD', headers })
    const notModified = await secure.provider.request(path, {
      headers: { ...headers, 'if-none-match': head.headers.etag ?? '' },
    })

    expect([head.status, notModified.status]).toEqual([200, 304])
    expect((await secure.provider.request(path, { headers })).status).toBe(200)
  })
})

test.each([{ maxConcurrentJobs: 0 }, { maxPollsPerMinute: 1.5 }, { maxBytesPerDay: -1 }])(
  'a limit of %o is a RangeError that names it',
  (limits) => {
    expect(() => clientLimits(limits)).toThrow(RangeError)
    expect(() => clientLimits(limits)).toThrow(Object.keys(limits)[0])
  },
)
