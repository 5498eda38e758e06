import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ExportOptions, resumeExport } from '@flatfhir/client'
import type { MisbehavingProvider } from '@flatfhir/testkit'
import { exportFrom, failureOf, filesIn, InstantClock, ndjson } from './fixtures.ts'
import { startProvider, temporaryDirectory } from './fixtures.ts'

const BIG = ndjson('Observation', 5000)
const SMALL = ndjson('Patient', 5)
const HANG = { cutAfterBytes: 150_000, afterCut: 'hang' } as const
const JOURNAL = join('.flatfhir', 'journal.ndjson')

/** Runs an export and interrupts it, as a crash would, when `when` holds. */
async function interrupt(
  provider: MisbehavingProvider,
  options: Partial<ExportOptions> & { readonly directory: string },
  when: { readonly path: string; readonly inFile?: boolean },
): Promise<void> {
  const stop = new AbortController()
  const failure = failureOf(provider, { ...options, signal: stop.signal, onAbort: 'keep' })
  await provider.requested(({ path }) => path === when.path)
  if (when.inFile === true) {
    // The journal says so when enough of the file is on disk to be gone on with.
    await expect
      .poll(async () => readFile(join(options.directory, JOURNAL), 'utf8'), { interval: 5 })
      .toContain('file-begun')
  }
  stop.abort()
  expect(await failure).toMatchObject({ code: 'EXPORT_ABORTED', deleted: false })
  expect((await failure).nextStep).toContain('again')
}

function kickOffs({ requests }: MisbehavingProvider): number {
  return requests.filter(({ path }) => path.includes('$export')).length
}

describe('an interrupted export', () => {
  test.each(['identity', 'gzip'] as const)(
    'goes on with a cut file where it stopped (%s)',
    async (coding) => {
      const content = coding === 'gzip' ? ndjson('Observation', 40_000) : BIG
      const file = { type: 'Observation', content, always: { coding }, requests: [HANG] }
      const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }, file] })
      const directory = await temporaryDirectory()
      await interrupt(provider, { directory }, { path: '/files/1', inFile: true })
      const part = await readFile(join(directory, 'Observation.000.ndjson.part'))

      const { report } = await exportFrom(provider, { directory })

      const [, second] = provider.requestsForFile(1)
      expect(second?.headers['range']).toBe(`bytes=${part.length}-`)
      expect(second?.headers['if-range']).toMatch(/^"/)
      expect(report).toMatchObject({ verdict: 'complete', problems: [] })
      expect(await readFile(join(directory, 'Observation.000.ndjson'), 'utf8')).toBe(content)
      expect(provider.requestsForFile(0)).toHaveLength(1)
      expect(kickOffs(provider)).toBe(1)
      expect(await filesIn(directory)).toEqual(['Observation.000.ndjson', 'Patient.000.ndjson'])
      expect(report.receipt.times.sessions).toBe(2)
    },
  )

  test('fetches a cut file from the first byte when it has changed meanwhile', async () => {
    const changed = ndjson('Observation', 4999) + '{"resourceType":"Observation"}\n'
    const file = {
      type: 'Observation',
      content: BIG,
      always: { coding: 'identity' as const },
      requests: [HANG, { content: changed }],
    }
    const provider = await startProvider({ files: [file] })
    const directory = await temporaryDirectory()
    await interrupt(provider, { directory }, { path: '/files/0', inFile: true })

    const { report } = await exportFrom(provider, { directory })

    expect(report.verdict).toBe('complete')
    expect(await readFile(join(directory, 'Observation.000.ndjson'), 'utf8')).toBe(changed)
  })

  test('goes on polling at its status URL, not before the provider wants to be asked', async () => {
    const wait = { status: 202, headers: { 'retry-after': '600' } }
    const provider = await startProvider({ status: [wait] })
    const directory = await temporaryDirectory()
    const stop = new AbortController()
    const clock = new InstantClock()
    clock.wait = async (_ms, signal) => {
      stop.abort()
      signal?.throwIfAborted()
    }
    await failureOf(provider, { directory, clock, signal: stop.signal, onAbort: 'keep' })

    const resumed = await exportFrom(provider, { directory })

    expect(kickOffs(provider)).toBe(1)
    expect(resumed.clock.waits[0]).toBe(600_000)
    expect(resumed.report.verdict).toBe('complete')
  })

  test('survives a torn last line of its journal, and refuses a damaged one', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    await interrupt(provider, { directory }, { path: '/status/1' })
    await appendFile(join(directory, JOURNAL), '{"type":"manifest-pa')

    await exportFrom(provider, { directory, deleteWhenDone: false })
    const journal = await readFile(join(directory, JOURNAL), 'utf8')
    expect(journal).not.toContain('"manifest-pa{')
    await writeFile(join(directory, JOURNAL), journal.replace('"type":"kick-off"', '"type":"kic'))

    expect(await failureOf(provider, { directory })).toMatchObject({
      code: 'JOURNAL_INVALID',
      fault: 'damaged',
    })
  })

  test('that the provider refused to begin makes way for another one', async () => {
    const provider = await startProvider({
      files: [{ type: 'Patient', content: SMALL }],
      kickOff: [{ status: 404 }],
    })
    const directory = await temporaryDirectory()
    const refused = await failureOf(provider, { directory, parameters: { types: ['Group'] } })
    expect(refused).toMatchObject({ code: 'REQUEST_REJECTED', status: 404 })

    const { report } = await exportFrom(provider, { directory, parameters: { types: ['Patient'] } })

    expect(report.verdict).toBe('complete')
    expect(kickOffs(provider)).toBe(2)
  })

  test('with other options is refused', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    await exportFrom(provider, { directory })

    const error = await failureOf(provider, { directory, parameters: { types: ['Patient'] } })

    expect(error).toMatchObject({ code: 'EXPORT_DIRECTORY_REFUSED', fault: 'other-export' })
  })

  test('is resumed by its folder alone, with its first options', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    const since = new Date('2026-01-02T03:04:05Z')
    const options = { directory, gzip: true, parameters: { since, patients: ['1'] } }
    await interrupt(provider, options, { path: '/status/1' })

    const report = await resumeExport({ directory, clock: new InstantClock() })

    expect(report.verdict).toBe('complete')
    expect(await filesIn(directory)).toEqual(['Patient.000.ndjson.gz'])
    expect(report.receipt.request).toMatchObject({
      method: 'POST',
      parameters: { _since: '2026-01-02T03:04:05.000Z', patient: 1 },
    })
    expect(JSON.stringify(report.receipt)).not.toContain('Patient/1')
  })
})

describe('the same command again', () => {
  test('after a complete export asks for nothing and says the same', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    const first = await exportFrom(provider, { directory })
    const asked = provider.requests.length

    const second = await exportFrom(provider, { directory })

    expect(provider.requests).toHaveLength(asked)
    expect(second.report.files).toEqual(first.report.files)
    expect(second.report).toMatchObject({ verdict: 'complete', deleted: true, resources: 5 })
  })

  test('after an incomplete export fetches what is missing, and nothing else', async () => {
    const lost = { answer: { status: 400 } }
    const provider = await startProvider({
      files: [
        { type: 'Patient', content: SMALL },
        { type: 'Observation', content: BIG, requests: [lost] },
      ],
    })
    const directory = await temporaryDirectory()
    const first = await exportFrom(provider, { directory })

    const second = await exportFrom(provider, { directory })

    expect([first.report.verdict, second.report.verdict]).toEqual(['incomplete', 'complete'])
    expect(provider.requestsForFile(0)).toHaveLength(1)
    expect(kickOffs(provider)).toBe(1)
  })

  test('gives a file its name that was done but for that, and does not ask for it', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    await exportFrom(provider, { directory })
    const path = join(directory, 'Patient.000.ndjson')
    await rename(path, `${path}.part`)

    await exportFrom(provider, { directory })

    expect(await filesIn(directory)).toEqual(['Patient.000.ndjson'])
    expect(provider.requestsForFile(0)).toHaveLength(1)
  })

  test('says when a kick-off may have been repeated', async () => {
    const provider = await startProvider({ kickOff: [{ status: 202, instead: 'close' }] })
    const directory = await temporaryDirectory()
    await failureOf(provider, { directory })

    const { report } = await exportFrom(provider, { directory })

    expect(report.problems).toMatchObject([{ code: 'KICK_OFF_REPEATED', severity: 'warning' }])
  })

  test('takes over from a process that is dead', async () => {
    const provider = await startProvider({ files: [{ type: 'Patient', content: SMALL }] })
    const directory = await temporaryDirectory()
    await interrupt(provider, { directory }, { path: '/status/1' })
    const lock = { pid: process.pid, host: (await import('node:os')).hostname(), started: '1' }
    await writeFile(join(directory, '.flatfhir', 'lock'), JSON.stringify(lock))

    const { report } = await exportFrom(provider, { directory })

    expect(report.verdict).toBe('complete')
  })
})
