import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  cancelExport,
  collectExport,
  exportStatus,
  newRunDirectory,
  readReceipt,
  receiptMarkdown,
  receiptText,
  startExport,
} from '@flatfhir/client'
import type { MisbehavingProvider } from '@flatfhir/testkit'
import { filesIn, InstantClock, ndjson, startProvider, temporaryDirectory } from './fixtures.ts'

async function start(
  provider: MisbehavingProvider,
  directory: string,
): ReturnType<typeof startExport> {
  const options = { level: 'system', edition: 'stu2', profile: 'generic' } as const
  return startExport({ url: provider.url, directory, ...options, clock: new InstantClock() })
}

describe('start, status, collect and cancel', () => {
  test('take an export from one process to the next', async () => {
    const files = [{ type: 'Patient', content: ndjson('Patient', 5) }]
    const busy = { status: 202, headers: { 'x-progress': '40% done', 'retry-after': '120' } }
    const provider = await startProvider({ files, status: [busy] })
    const directory = await temporaryDirectory()
    const clock = new InstantClock()

    expect(await start(provider, directory)).toMatchObject({
      state: 'in-progress',
      statusUrl: provider.statusUrl,
    })
    expect(await start(provider, directory)).toMatchObject({ state: 'in-progress' })
    const early = await exportStatus({ directory, clock })
    expect(early).toMatchObject({ state: 'in-progress', progress: '40% done', percent: 40 })
    const asked = provider.requests.length
    expect(await collectExport({ directory, clock })).toMatchObject({ finished: false })
    expect(provider.requests).toHaveLength(asked)
    await clock.wait(120_000)
    expect(await exportStatus({ directory, clock })).toMatchObject({
      state: 'ready',
      files: { promised: 1, finished: 0 },
    })
    const collected = await collectExport({ directory, clock })

    expect(collected).toMatchObject({ finished: true, report: { verdict: 'complete' } })
    expect(await exportStatus({ directory, clock })).toMatchObject({ state: 'complete' })
    expect(await filesIn(directory)).toEqual(['Patient.000.ndjson'])
    expect(provider.requests.filter(({ path }) => path.includes('$export'))).toHaveLength(1)
  })

  test('cancel deletes the export once, and what was not begun is not asked for', async () => {
    const provider = await startProvider()
    const directory = await temporaryDirectory()
    await start(provider, directory)

    const cancelled = await cancelExport({ directory })
    const again = await cancelExport({ directory })

    expect(cancelled).toMatchObject({ state: 'ended', endReason: 'cancelled' })
    expect(again).toEqual(cancelled)
    expect(provider.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
    expect(await collectExport({ directory })).toMatchObject({ finished: false })
  })

  test('a cancel that the provider does not confirm is an error', async () => {
    const provider = await startProvider({ delete: [{ status: 403 }] })
    const directory = await temporaryDirectory()
    await start(provider, directory)

    await expect(cancelExport({ directory })).rejects.toMatchObject({ code: 'REQUEST_REJECTED' })
    expect(await exportStatus({ directory })).not.toMatchObject({ state: 'ended' })
  })

  test.each([exportStatus, collectExport, cancelExport])(
    'want a folder with an export',
    async (verb) => {
      const directory = await temporaryDirectory()

      await expect(verb({ directory })).rejects.toMatchObject({ code: 'JOURNAL_INVALID' })
      expect(await filesIn(directory)).toEqual([])
    },
  )
})

describe('the receipt', () => {
  test('accounts for every file, and a person can read it', async () => {
    const outcome =
      '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing"}]}\n'
    const provider = await startProvider({
      files: [
        { type: 'Patient', content: ndjson('Patient', 5) },
        { type: 'Condition', content: `${ndjson('Condition', 2)}nonsense\n` },
        { type: 'Observation', content: 'x', always: { answer: { status: 400 } } },
        { type: 'OperationOutcome', kind: 'outcome', content: outcome },
      ],
    })
    const directory = await temporaryDirectory()
    await start(provider, directory)
    await collectExport({ directory, clock: new InstantClock(), verificationThreads: 1 })

    const receipt = await readReceipt(directory)

    expect(receipt).toMatchObject({
      verdict: 'incomplete',
      deletedAtProvider: false,
      totals: { files: 4, filesComplete: 2, resources: 7, quarantinedLines: 1 },
      outcomes: [{ severity: 'error', code: 'processing', count: 1 }],
    })
    expect(receipt.files.map(({ state }) => state)).toEqual([
      ...['complete', 'partial', 'missing', 'complete'],
    ])
    expect(receiptMarkdown(receipt)).toContain('# Export receipt: incomplete')
    expect(receiptText(receipt)).toMatch(/Observation +1 +0 +0/)
    expect(receiptText(receipt)).toContain('LINE_INVALID')
  })

  test('that is missing is an error', async () => {
    const directory = await temporaryDirectory()

    await expect(readReceipt(directory)).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
  })
})

test('the log is in the SMART bulk export log format, without queries of URLs', async () => {
  const content = ndjson('Patient', 5)
  const provider = await startProvider({
    files: [{ type: 'Patient', content }],
    status: [{ status: 202, headers: { 'x-progress': 'soon' } }],
    manifest: (manifest) => ({
      ...manifest,
      output: manifest.output.map((file) => ({ ...file, url: `${String(file['url'])}?` })),
    }),
  })
  const directory = await temporaryDirectory()
  await start(provider, directory)
  const clock = new InstantClock()
  await exportStatus({ directory, clock })
  await clock.wait(60_000)
  await collectExport({ directory, clock })

  const text = await readFile(join(directory, 'log.ndjson'), 'utf8')
  const items = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogItem)

  expect(items.map(({ eventId }) => eventId)).toEqual([
    ...['kickoff', 'status_progress', 'status_page_complete', 'status_complete'],
    ...['manifest_complete', 'download_request', 'download_complete', 'export_complete'],
  ])
  expect(new Set(items.map(({ exportId }) => exportId)).size).toBe(1)
  expect(items[6]?.eventDetail).toMatchObject({
    fileUrl: `${provider.origin}/files/0`,
    resourceCount: 5,
    fileSize: Buffer.byteLength(content),
  })
  expect(items.at(-1)?.eventDetail).toMatchObject({ files: 1, resources: 5, attachments: 0 })
})

interface LogItem {
  readonly exportId: string
  readonly eventId: string
  readonly eventDetail: Readonly<Record<string, unknown>>
}

test('run folders are numbered', async () => {
  const parent = await temporaryDirectory()

  const made = [await newRunDirectory(parent, 'weekly'), await newRunDirectory(parent, 'other')]

  expect(made).toEqual([join(parent, '000.weekly'), join(parent, '001.other')])
  await expect(newRunDirectory(parent, '../up')).rejects.toThrow(RangeError)
})
