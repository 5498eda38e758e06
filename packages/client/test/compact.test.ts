import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportFrom, filesIn, ndjson, startProvider, temporaryDirectory } from './fixtures.ts'

test('small files of a type are packed into larger ones, and every line stays as it was', async () => {
  const contents = [3, 4, 5, 400].map((count) => ndjson('Patient', count))
  contents[1] = contents[1]?.trimEnd() ?? ''
  const lost = { answer: { status: 400 } }
  const provider = await startProvider({
    files: [
      ...contents.map((content) => ({ type: 'Patient', content })),
      { type: 'Group', content: ndjson('Group', 1) },
      { type: 'Patient', content: ndjson('Patient', 1), requests: [lost] },
      { type: 'Patient', content: ndjson('Patient', 2), requests: [lost] },
    ],
  })
  const directory = await temporaryDirectory()
  const options = { directory, compactBytes: 10_000 }

  const first = await exportFrom(provider, options)
  const second = await exportFrom(provider, options)
  const third = await exportFrom(provider, options)

  expect(first.report.verdict).toBe('incomplete')
  expect([second.report.verdict, third.report.verdict]).toEqual(['complete', 'complete'])
  expect(await filesIn(directory)).toEqual([
    ...['Group.000.ndjson', 'Patient.003.ndjson'],
    ...['Patient.packed-000.ndjson', 'Patient.packed-001.ndjson'],
  ])
  const packed = await readFile(join(directory, 'Patient.packed-000.ndjson'), 'utf8')
  expect(packed).toBe(`${contents[0] ?? ''}${contents[1]}\n${contents[2] ?? ''}`)
  expect(third.report.receipt.files.map(({ packedInto }) => packedInto?.[0])).toEqual([
    ...Array<string>(3).fill('Patient.packed-000.ndjson'),
    ...[undefined, undefined],
    ...Array<string>(2).fill('Patient.packed-001.ndjson'),
  ])
  expect(provider.requestsForFile(0)).toHaveLength(1)
})
