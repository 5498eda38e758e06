import { expect, test } from 'vitest'
import { exportFrom, startProvider, temporaryDirectory } from './fixtures.ts'

function line(type: string, id: string, ...references: readonly string[]): string {
  const related = references.map((reference) => ({ reference }))
  return `${JSON.stringify({ resourceType: type, id, related })}\n`
}

test('references that lead to nothing are counted by type, each missing resource once', async () => {
  const files = [
    {
      type: 'Observation',
      content:
        line('Observation', '1', 'Patient/a', 'Patient/gone', '#contained', 'urn:uuid:1') +
        line('Observation', '2', 'Patient/gone', 'Encounter/x/_history/2', 'Encounter/y') +
        line('Observation', '3', 'https://elsewhere.example.org/Patient/b', 'Observation/1') +
        '{"resourceType":"Observation","id":"4","code":"reference","note":"\\"reference\\":\\"Patient/q\\""}\n',
    },
    { type: 'Patient', content: line('Patient', 'a') },
    { type: 'Encounter', content: line('Encounter', 'x', 'Practitioner/p') },
  ]
  const provider = await startProvider({ files })

  const { report } = await exportFrom(provider)

  expect(report.receipt.unresolvedReferences).toEqual([
    { type: 'Encounter', resources: 1 },
    { type: 'Patient', resources: 1 },
    { type: 'Practitioner', resources: 1 },
  ])
  expect(report.verdict).toBe('complete')
})

test('what an attempt collected that started over does not count', async () => {
  const file = {
    type: 'Patient',
    content: line('Patient', 'a'),
    requests: [{ content: line('Patient', 'a', 'Group/never') }, {}],
    entry: { count: 1, fileSize: Buffer.byteLength(line('Patient', 'a')) },
  }
  const provider = await startProvider({ files: [file] })

  const { report } = await exportFrom(provider)

  expect(report.receipt.unresolvedReferences).toEqual([])
})

test('are counted over all sessions, or not at all if so wished', async () => {
  const lost = { answer: { status: 400 } }
  const files = [
    { type: 'Observation', content: line('Observation', '1', 'Patient/a', 'Patient/b') },
    { type: 'Patient', content: line('Patient', 'a'), requests: [lost] },
  ]
  const provider = await startProvider({ files })
  const directory = await temporaryDirectory()

  const reports = []
  for (let run = 0; run < 3; run += 1) reports.push(await exportFrom(provider, { directory }))

  const unresolved = reports.map(
    ({ report }) => report.receipt.unresolvedReferences?.[0]?.resources,
  )
  expect(unresolved).toEqual([2, 1, 1])
  const without = await exportFrom(await startProvider({ files }), { checkReferences: false })
  expect(without.report.receipt).not.toHaveProperty('unresolvedReferences')
})
