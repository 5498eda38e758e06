import { checkProvider, type CheckReport, renderTerminal } from '@flatfhir/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  QUICK_CLOCK,
  startOpenProvider,
  startSmartProvider,
  type ConformanceProvider,
  type SmartProvider,
} from '../fixtures.ts'

/** What must not be skipped, because our provider has it. */
const ALWAYS_RUN = ['kick-off', 'status', 'manifest', 'files', 'file-encoding', 'types', 'delete']

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

  beforeAll(async () => {
    open = await startOpenProvider()
    smart = await startSmartProvider()
  })

  afterAll(async () => {
    await open[Symbol.asyncDispose]()
    await smart[Symbol.asyncDispose]()
  })

  test('passes every check that an open server can be given', async () => {
    const report = await checkProvider({ url: open.url, groupId: 'two', clock: QUICK_CLOCK })

    expect(problemsOf(report)).toEqual([])
    expect(report).toMatchObject({ verdict: 'pass', effort: { leftBehind: 0 } })
    for (const { check, outcome, reason } of report.checks) {
      if (outcome === 'skipped') expect(reason, check).toMatch(/\w/)
      if (ALWAYS_RUN.includes(check)) expect([check, outcome]).toEqual([check, 'pass'])
    }
  })

  test('passes every check with SMART Backend Services', async () => {
    const client = await smart.addClient()

    const report = await checkProvider({
      ...{ url: smart.url, groupId: 'two', clock: QUICK_CLOCK },
      ...smart.login(client),
    })

    expect(problemsOf(report)).toEqual([])
    const skipped = report.checks.filter(({ outcome }) => outcome === 'skipped')
    expect(skipped.map(({ check }) => check)).not.toContain('token-endpoint')
    expect(skipped.map(({ check }) => check)).not.toContain('token-required')
    expect(renderTerminal(report)).not.toMatch(/Bearer|eyJ|ann-1|Patient\/bob/)
  })
})
