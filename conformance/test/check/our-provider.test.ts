import {
  bulkData,
  checkProvider,
  REQUIREMENTS,
  type CheckReport,
  renderTerminal,
} from '@flatfhir/conformance'
import { startMisbehavingProvider } from '@flatfhir/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  QUICK_CLOCK,
  startOpenProvider,
  startSmartProvider,
  type ConformanceProvider,
  type SmartProvider,
} from '../fixtures.ts'

/** What is skipped for a reason that our provider is not to blame for. */
const MAY_BE_SKIPPED = ['transport', 'deleted-files', 'error-files']
/** Exports are not complete at the first status request. */
const YOUNG = { jobs: { minimumInProgressMs: 40 } }
/** Requirements of lists that are empty in an export without deletions and messages. */
const NEED_ENTRIES = [bulkData(181), bulkData(193)]
const NEEDS_LOGIN = ['smart-configuration', 'token-endpoint', 'token-required']

function problemsOf(report: CheckReport): readonly string[] {
  return report.checks.flatMap(({ check, findings }) =>
    findings
      .filter(({ outcome }) => outcome !== 'pass')
      .map(({ requirement, outcome, seen }) => `${check} ${outcome} ${requirement}: ${seen}`),
  )
}

describe('our own provider', () => {
  let open: ConformanceProvider
  let smart: SmartProvider
  const reports: CheckReport[] = []

  beforeAll(async () => {
    open = await startOpenProvider(YOUNG)
    smart = await startSmartProvider(YOUNG)
  })

  afterAll(async () => {
    await open[Symbol.asyncDispose]()
    await smart[Symbol.asyncDispose]()
  })

  test('passes every check that an open server can be given', async () => {
    const report = await checkProvider({ url: open.url, groupId: 'two', clock: QUICK_CLOCK })

    expect(problemsOf(report)).toEqual([])
    expect(report).toMatchObject({ verdict: 'pass', effort: { leftBehind: 0 } })
    const allowed = [...MAY_BE_SKIPPED, ...NEEDS_LOGIN]
    for (const { check, outcome, reason } of report.checks) {
      if (outcome === 'skipped') expect(reason, check).toMatch(/\w/)
      if (!allowed.includes(check)) expect([check, outcome]).toEqual([check, 'pass'])
    }
    reports.push(report)
  })

  test('passes every check with SMART Backend Services', async () => {
    const client = await smart.addClient()

    const report = await checkProvider({
      ...{ url: smart.url, groupId: 'two', clock: QUICK_CLOCK },
      ...smart.login(client),
    })

    expect(problemsOf(report)).toEqual([])
    for (const { check, outcome } of report.checks) {
      if (!MAY_BE_SKIPPED.includes(check)) expect([check, outcome]).toEqual([check, 'pass'])
    }
    expect(renderTerminal(report)).not.toMatch(/Bearer|eyJ|ann-1|Patient\/bob/)
    reports.push(report)
  })

  test('is looked at for every requirement that the table says a check looks at', async () => {
    // On a slow machine our own exports may be complete when they are first asked about.
    await using young = await startMisbehavingProvider({
      status: [{ status: 202, headers: { 'retry-after': '1' } }],
    })
    const { url } = young
    reports.push(await checkProvider({ url, clock: QUICK_CLOCK, only: ['status'] }))

    const findings = reports.flatMap(({ checks }) => checks.flatMap((check) => check.findings))
    const seen = new Set(findings.map(({ requirement }) => requirement))
    const lookedAt = (check: string): boolean => !MAY_BE_SKIPPED.includes(check)

    expect(reports).toHaveLength(3)
    const missing = Object.entries(REQUIREMENTS)
      .filter(([, { blackBox, reason }]) => blackBox !== undefined && reason === undefined)
      .filter(([id, { blackBox = '' }]) => lookedAt(blackBox) && !seen.has(id))
      .filter(([id]) => !NEED_ENTRIES.includes(id))
    expect(missing.map(([id]) => id)).toEqual([])
    for (const id of seen) expect(REQUIREMENTS[id]?.blackBox, id).toBeDefined()
  })
})
