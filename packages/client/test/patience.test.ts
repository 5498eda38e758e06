import { describe, expect, test } from 'vitest'
import { DownloadGate } from '../src/download/download-gate.ts'
import { eventsOf, exportFrom, failureOf, InstantClock, ndjson, startProvider } from './fixtures.ts'

const OUTCOME_TYPE = { 'content-type': 'application/fhir+json' }
const IN_TWO_MINUTES = 'Sun, 01 Nov 2026 12:02:10 GMT'

function outcome(code: string): unknown {
  const diagnostics = 'Patient Muster could not be read'
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] }
}

describe('polling', () => {
  test.each([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['a date', { 'retry-after': IN_TWO_MINUTES }, 120_000],
    ['more than the setting allows', { 'retry-after': '999999' }, 600_000],
    ['zero', { 'retry-after': '0' }, 250],
    ['an epoch number', { 'retry-after': '1793534400' }, 600_000],
    ['garbage', { 'retry-after': 'soon' }, 750],
    ['nothing', {}, 750],
  ])('waits when Retry-After is %s', async (_, headers, expected) => {
    const provider = await startProvider({ status: [{ status: 202, headers }] })

    const { clock } = await exportFrom(provider, { maxRetryAfterSeconds: 600 })

    expect(clock.waits).toEqual([expected])
  })

  test('waits longer each time when the provider does not say how long', async () => {
    const provider = await startProvider({ status: Array(9).fill({ status: 202 }) })

    const { clock } = await exportFrom(provider)

    expect(clock.waits).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000])
  })

  test('tells the progress, stripped of what could harm a terminal', async () => {
    const progress = '42.5% done\t\u009b31m' + 'x'.repeat(200)
    const provider = await startProvider({
      status: [{ status: 202, headers: { 'x-progress': progress, 'retry-after': '1' } }],
    })

    const { events } = await exportFrom(provider)

    const [event] = eventsOf(events, 'status-progress')
    expect(event).toMatchObject({ percent: 42.5, waitMs: 1000, elapsedMs: 0 })
    expect(event?.progress).toMatch(/^42.5% done [^\p{C}]{1,89}$/u)
  })

  test('goes on while X-Export-Status says 202 beside a 200', async () => {
    const headers = { 'x-export-status': '202 Accepted' }
    const provider = await startProvider({
      status: [{ status: 200, headers, body: { output: [] } }],
      manifestHeaders: { 'x-export-status': '200 OK' },
    })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
  })

  test.each([
    ['429', { status: 429, headers: { 'retry-after': '5' } }, 5000],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '5' } }, 5000],
    ['502 of a gateway', { status: 502, body: '<html>' }, 750],
    [
      '500 that says transient',
      { status: 500, headers: OUTCOME_TYPE, body: outcome('transient') },
      750,
    ],
    ['a dropped connection', { status: 200, instead: 'close' as const }, 750],
  ])('survives %s', async (_, answer, waitMs) => {
    const provider = await startProvider({ status: [answer] })

    const { report, clock } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(clock.waits).toEqual([waitMs])
  })

  test('does not wait for ever for a gateway', async () => {
    const provider = await startProvider({ status: Array(10).fill({ status: 502 }) })

    const error = await failureOf(provider, { maxAttempts: 3 })

    expect(error).toMatchObject({ code: 'REQUEST_REJECTED', status: 502, request: 'Status' })
  })

  test.each([
    ['500', { status: 500, headers: OUTCOME_TYPE, body: outcome('exception') }],
    [
      'X-Export-Status 500',
      { status: 200, headers: { 'x-export-status': '500' }, body: outcome('exception') },
    ],
  ])('ends when the job has failed (%s), without the words of the provider', async (_, answer) => {
    const provider = await startProvider({ status: [answer] })

    const error = await failureOf(provider)

    expect(error).toMatchObject({
      code: 'EXPORT_FAILED',
      status: 500,
      issues: [{ severity: 'error', code: 'exception' }],
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Muster')
    expect(provider.requests.at(-1)?.method).toBe('DELETE')
  })
})

describe('the kick-off request', () => {
  test.each([
    [{ status: 429, headers: { 'retry-after': '30' } }, 30_000],
    [{ status: 503, headers: { 'retry-after': '30' } }, 30_000],
    [{ status: 503 }, 750],
  ])('waits when the answer is %j', async (answer, waitMs) => {
    const provider = await startProvider({ kickOff: [answer] })

    const { report, clock, events } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(clock.waits).toEqual([waitMs])
    expect(eventsOf(events, 'retry')).toMatchObject([
      { phase: 'kick-off', httpStatus: answer.status },
    ])
  })

  test('is not sent twice when the connection drops: the first may have started an export', async () => {
    const provider = await startProvider({ kickOff: [{ status: 202, instead: 'close' }] })

    const error = await failureOf(provider)

    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE', fault: 'closed' })
    expect(provider.requests).toHaveLength(1)
  })
})

describe('a throttled download', () => {
  const content = ndjson('Patient', 5)

  test.each([
    [{ status: 429, headers: { 'retry-after': '9' } }, 9000],
    [{ status: 503, headers: { 'retry-after': IN_TWO_MINUTES } }, 120_000],
    [{ status: 429, headers: { 'retry-after': 'NaN' } }, 750],
  ])('waits as long as it is told (%j)', async (answer, waitMs) => {
    const provider = await startProvider({
      files: [{ type: 'Patient', content, requests: [{ answer }] }],
    })

    const { report, clock } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(clock.waits).toEqual([waitMs])
  })

  test('is not counted as a failed attempt', async () => {
    const answer = { status: 429, headers: { 'retry-after': '1' } }
    const requests = Array.from({ length: 20 }, () => ({ answer }))
    const provider = await startProvider({ files: [{ type: 'Patient', content, requests }] })

    const { report } = await exportFrom(provider, { maxAttempts: 2 })

    expect(report.verdict).toBe('complete')
  })

  test('gives up after the throttles that the setting allows', async () => {
    const always = { answer: { status: 429, headers: { 'retry-after': '1' } } }
    const provider = await startProvider({ files: [{ type: 'Patient', content, always }] })

    const { report } = await exportFrom(provider, { maxThrottles: 4 })

    expect(report.problems).toMatchObject([{ code: 'DOWNLOAD_THROTTLED' }])
    expect(provider.requestsForFile(0)).toHaveLength(4)
  })
})

describe('the gate', () => {
  test('halves once for requests that were throttled together, and recovers', async () => {
    const clock = new InstantClock()
    const gate = new DownloadGate(8, clock)

    for (let request = 0; request < 5; request += 1) gate.throttled(10_000)
    const throttledLimit = gate.limit
    for (let success = 0; success < 4; success += 1) gate.succeeded()

    expect(throttledLimit).toBe(4)
    expect(gate.limit).toBe(5)
    await gate.enter(undefined)
    expect(clock.waits).toEqual([10_000])
  })

  test('lets no more in than the limit, and the next one when one leaves', async () => {
    const gate = new DownloadGate(1, new InstantClock())
    await gate.enter(undefined)
    let entered = false

    const second = gate.enter(undefined).then(() => {
      entered = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(entered).toBe(false)
    gate.leave()
    await second

    expect(entered).toBe(true)
  })
})
