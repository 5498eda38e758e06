import { PrivateKey } from '@flatfhir/auth'
import {
  checkProvider,
  renderHtml,
  renderJson,
  renderJunit,
  renderTerminal,
  smart,
  type CheckReport,
} from '@flatfhir/conformance'
import { startMisbehavingProvider } from '@flatfhir/testkit'
import { describe, expect, test } from 'vitest'
import { QUICK_CLOCK } from '../fixtures.ts'
import { DEFECTS, PATIENTS } from './defects.ts'

function idsWith(report: CheckReport, outcome: 'fail' | 'warning'): readonly string[] {
  return report.checks.flatMap(({ findings }) =>
    findings.filter((finding) => finding.outcome === outcome).map((finding) => finding.requirement),
  )
}

test.each(DEFECTS)('finds and names: $name ($check)', async (defect) => {
  await using provider = await startMisbehavingProvider(defect.script)

  const report = await checkProvider({
    ...{ url: provider.url, clock: QUICK_CLOCK, only: [defect.check] },
    ...defect.options,
  })

  const { fails = [], warns = [] } = defect
  expect(idsWith(report, 'fail')).toEqual(expect.arrayContaining([...fails]))
  expect(idsWith(report, 'warning')).toEqual(expect.arrayContaining([...warns]))
  expect(report.verdict).toBe(idsWith(report, 'fail').length > 0 ? 'fail' : 'pass')
  expect(report.checks[0]?.outcome).toBe(report.verdict === 'fail' ? 'fail' : 'warning')
})

test('finds a token endpoint that keeps to no rule', async () => {
  const answer = { access_token: 'x', token_type: 'mac', expires_in: 86_400, refresh_token: 'y' }
  await using provider = await startMisbehavingProvider({
    content: { '/token': { status: 200, body: answer } },
  })
  const key = await PrivateKey.generate('ES384', new Date())

  const report = await checkProvider({
    ...{ url: provider.url, clock: QUICK_CLOCK, only: ['token-endpoint'] },
    login: {
      ...{ clientId: 'me', credential: { kind: 'private-key', key } },
      tokenUrl: `${provider.origin}/token`,
    },
  })

  const found = [...idsWith(report, 'fail'), ...idsWith(report, 'warning')]
  const expected = [248, 251, 252, 255, 257, 258, 261, 262, 340].map(smart)
  expect(found.sort()).toEqual(expected.sort())
})

describe('a run', () => {
  test('tells nothing of patients, tokens or bodies, whatever it finds', async () => {
    for (const { script, check, options } of DEFECTS) {
      await using provider = await startMisbehavingProvider(script)
      const url = provider.url
      const report = await checkProvider({ url, clock: QUICK_CLOCK, only: [check], ...options })

      const shown = [renderTerminal(report), renderHtml(report), renderJunit(report)]
      const all = [...shown, renderJson(report)].join('\n')
      expect(all).not.toMatch(/Smith|the-token|"ann"|Patient\/bob|nobodys-token/)
    }
  })

  test('deletes what it has started when it is stopped, and says that it was stopped', async () => {
    const status = Array.from({ length: 1000 }, () => ({ status: 202 }))
    await using provider = await startMisbehavingProvider({ status })
    const controller = new AbortController()
    const running = checkProvider({
      ...{ url: provider.url, clock: QUICK_CLOCK, signal: controller.signal },
    })
    await provider.requested(({ path }) => path === '/status/1')

    controller.abort()
    const report = await running

    expect(report).toMatchObject({ verdict: 'stopped', effort: { leftBehind: 0 } })
    expect(provider.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/status/1' })
  })

  test('gives up on an export that never ends, skips what needs it, and deletes it', async () => {
    const status = Array.from({ length: 1000 }, () => ({ status: 202 }))
    await using provider = await startMisbehavingProvider({ status })

    const report = await checkProvider({
      ...{ url: provider.url, clock: QUICK_CLOCK, only: ['status', 'manifest', 'files'] },
      limits: { exportMs: 50 },
    })

    for (const { outcome, reason } of report.checks) {
      expect([outcome, reason]).toEqual(['skipped', expect.stringContaining('not complete')])
    }
    expect(report.effort.leftBehind).toBe(0)
  })

  test('waits for a busy server, and skips when it stays busy', async () => {
    const busy = { status: 429, headers: { 'retry-after': '1' } }
    await using patient = await startMisbehavingProvider({ kickOff: [busy, busy] })
    await using never = await startMisbehavingProvider({ kickOff: Array(20).fill(busy) as [] })
    const run = async (url: string): Promise<string | undefined> => {
      const report = await checkProvider({ url, clock: QUICK_CLOCK, only: ['kick-off'] })
      return report.checks[0]?.outcome
    }

    expect(await run(patient.url)).toBe('pass')
    expect(await run(never.url)).toBe('skipped')
  })

  test('keeps to its limits', async () => {
    const content = `${JSON.stringify({ resourceType: 'Patient', text: 'x'.repeat(5000) })}\n`
    await using provider = await startMisbehavingProvider({
      files: Array.from({ length: 30 }, () => ({ type: 'Patient', content: content.repeat(50) })),
    })

    const report = await checkProvider({
      ...{ url: provider.url, clock: QUICK_CLOCK },
      limits: { kickOffs: 3, files: 2, fileBytes: 100_000, totalBytes: 1_000_000 },
    })

    expect(report.effort.kickOffs).toBe(3)
    expect(report.effort.bytes).toBeLessThan(1_200_000)
    expect(provider.requestsForFile(2)).toHaveLength(0)
    const reasons = report.checks.map(({ reason }) => reason ?? '').join('\n')
    expect(reasons).toContain('kick-offs that it may send')
  })

  test('sends the token to no other origin', async () => {
    await using other = await startMisbehavingProvider({ files: [PATIENTS] })
    await using provider = await startMisbehavingProvider({
      token: 'the-token',
      files: [{ ...PATIENTS, entry: { url: `${other.origin}/files/0` } }],
    })

    await checkProvider({
      ...{ url: provider.url, clock: QUICK_CLOCK, only: ['files', 'file-encoding'] },
      accessToken: async () => 'the-token',
      headers: { 'x-own': 'mine' },
    })

    expect(provider.requests[0]?.headers['x-own']).toBe('mine')
    expect(other.requests.length).toBeGreaterThan(0)
    for (const { headers } of other.requests) {
      expect([headers['authorization'], headers['x-own']]).toEqual([undefined, undefined])
    }
  })

  test('skips with a reason what needs a token that it was not given', async () => {
    await using provider = await startMisbehavingProvider({ token: 'the-token' })

    const report = await checkProvider({ url: provider.url, clock: QUICK_CLOCK })

    expect(report.counts.fail).toBe(0)
    const kickOff = report.checks.find(({ check }) => check === 'kick-off')
    expect(kickOff?.outcome).toBe('skipped')
    expect(kickOff?.reason).toContain('token')
  })

  test('of a server that does not answer is an error that says so', async () => {
    const running = checkProvider({ url: 'http://127.0.0.1:1/fhir', clock: QUICK_CLOCK })

    await expect(running).rejects.toMatchObject({ code: 'CHECK_PROVIDER_UNREACHABLE' })
  })

  test.each([
    { url: 'ftp://example.org' },
    { url: 'https://user:secret@example.org/fhir' },
    { url: 'https://example.org/fhir', levels: ['group'] as const },
    { url: 'https://example.org/fhir', levels: [] },
    { url: 'https://example.org/fhir', type: 'Nonsense' },
    { url: 'https://example.org/fhir', limits: { files: 0 } },
  ])('refuses options that make no sense: %j', async (options) => {
    const error: unknown = await checkProvider(options).catch((thrown: unknown) => thrown)

    expect(error).toMatchObject({ code: 'CHECK_OPTIONS_INVALID' })
    expect(String(error)).not.toContain('secret')
  })
})
