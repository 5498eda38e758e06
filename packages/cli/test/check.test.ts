import { readFile } from 'node:fs/promises'
import { startMisbehavingProvider } from '@flatfhir/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { SyncSource } from './sync-source.ts'

let source: SyncSource

beforeAll(async () => {
  source = await SyncSource.start(3)
})

afterAll(async () => {
  await source[Symbol.asyncDispose]()
})

describe('flatfhir check', () => {
  test('finds nothing wrong with our own server, and says what it looked at', async () => {
    const checked = await inProcess(['check', source.url, '--only', 'kick-off,manifest,delete'])

    expect(checked.code).toBe(0)
    expect(checked.out).toMatch(/^✓ pass The manifest has its fields \(manifest\)$/m)
    expect(checked.out).toContain('3 checks: 3 passed, 0 failed')
  })

  test('writes a report for CI into a file', async () => {
    const out = source.at('check.xml')
    const wanted = ['--only', 'manifest', '--format', 'junit', '--out', out]

    const checked = await inProcess(['check', source.url, ...wanted])

    expect(checked).toMatchObject({ code: 0, out: '' })
    expect(await readFile(out, 'utf8')).toMatch(/^<\?xml[^]*<testcase[^]*name="[^"]*fields/)
  })

  test('names the requirement that a server breaks, with an exit code of its own', async () => {
    await using provider = await startMisbehavingProvider({ kickOff: [{ status: 200 }] })

    const checked = await inProcess(['check', provider.url, '--only', 'kick-off', '--json'])

    expect(checked.code).toBe(3)
    const { verdict, checks } = JSON.parse(checked.out) as {
      verdict: string
      checks: { findings: { outcome: string; requirement: string }[] }[]
    }
    expect(verdict).toBe('fail')
    const failed = checks.flatMap(({ findings }) => findings.filter((f) => f.outcome === 'fail'))
    expect(failed[0]?.requirement).toMatch(/^hl7\.fhir\.uv\.bulkdata_2\.0\.0@\d+$/)
  })

  test('says what is wrong with its options, and with a server that is not there', async () => {
    const unknown = await inProcess(['check', source.url, '--only', 'everything'])
    const nobody = await inProcess(['check', 'http://127.0.0.1:9/fhir'])

    expect(unknown.code).toBe(2)
    expect(nobody.code).toBe(1)
    expect(nobody.err).toContain('[CHECK_PROVIDER_UNREACHABLE]')
  })
})
