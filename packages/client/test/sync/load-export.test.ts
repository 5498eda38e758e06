import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { loadExport, readSyncReports, syncStatus } from '@flatfhir/client'
import { MemorySink } from '@flatfhir/testkit'
import { exportFrom, InstantClock, ndjson, startProvider, temporaryDirectory } from '../fixtures.ts'
import { SyncBench } from './sync-fixtures.ts'

const DELETION = `${JSON.stringify({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [{ request: { method: 'DELETE', url: 'Patient/0' } }],
})}\n`
const SINCE = new Date('2026-01-01T00:00:00Z')

describe('a folder with a receipt', () => {
  test('is loaded with its deletions, as the source that it came from', async () => {
    const patients = { type: 'Patient', content: ndjson('Patient', 3) }
    const provider = await startProvider({ files: [patients] })
    const later = await startProvider({
      files: [
        { type: 'Patient', content: '{"resourceType":"Patient","id":"9"}\n' },
        { kind: 'deleted', type: 'Bundle', content: DELETION },
      ],
    })
    const full = await exportFrom(provider)
    const changes = await exportFrom(later, { parameters: { since: SINCE } })
    const sink = new MemorySink()

    const first = await loadExport({ directory: full.directory, sink })
    const second = await loadExport({ directory: changes.directory, sink, source: provider.url })

    expect(first).toMatchObject({ verified: true, files: 1, report: { kind: 'load' } })
    expect(first.report).toMatchObject({ source: provider.url, cohort: 'system' })
    expect(second.report.exports).toMatchObject([{ purpose: 'changes', deletions: 1 }])
    expect(sink.rows().map(({ id, source }) => [id, source])).toEqual(
      ['1', '2', '9'].map((id) => [id, provider.url]),
    )
    await using session = await sink.open()
    expect((await session.readState(first.report)).watermarks).toEqual([])
  })

  test('is loaded from packed files, each once', async () => {
    const files = [1, 2, 3].map((count) => ({ type: 'Patient', content: ndjson('Patient', count) }))
    const { directory } = await exportFrom(await startProvider({ files }), {
      compactBytes: 1_000_000,
    })
    const sink = new MemorySink()

    const { files: loaded, report } = await loadExport({ directory, sink })

    expect(loaded).toBe(1)
    expect(report.landing?.types).toMatchObject([{ type: 'Patient', received: 3, duplicates: 3 }])
  })

  test('is refused when it is not complete, unless that is accepted', async () => {
    const files = [
      { type: 'Patient', content: `${ndjson('Patient', 2)}nonsense\n` },
      { type: 'Device', content: ndjson('Device', 1), always: { answer: { status: 400 } } },
    ]
    const { directory } = await exportFrom(await startProvider({ files }))
    const sink = new MemorySink()

    await expect(loadExport({ directory, sink })).rejects.toMatchObject({
      code: 'LOAD_REFUSED',
      fault: 'incomplete',
    })
    expect(sink.rows()).toEqual([])
    const { report } = await loadExport({ directory, sink, acceptIncomplete: true })

    expect(report.alarms).toMatchObject([{ code: 'EXPORT_INCOMPLETE', accepted: true }])
    expect(sink.rows().map(({ id }) => id)).toEqual(['0', '1'])
  })

  test('is refused when a file is gone or has another size, or the export has not ended', async () => {
    const files = [{ type: 'Patient', content: ndjson('Patient', 2) }]
    const { directory } = await exportFrom(await startProvider({ files }))
    const sink = new MemorySink()
    const file = join(directory, 'Patient.000.ndjson')

    await writeFile(file, 'x')
    await expect(loadExport({ directory, sink })).rejects.toMatchObject({ fault: 'file-changed' })
    await rm(file)
    await expect(loadExport({ directory, sink })).rejects.toMatchObject({ fault: 'file-missing' })
    await rm(join(directory, 'receipt.json'))
    await expect(loadExport({ directory, sink })).rejects.toMatchObject({ fault: 'not-finished' })
  })
})

describe('a folder from elsewhere', () => {
  test('is loaded file by file, by what the lines say', async () => {
    const directory = await temporaryDirectory()
    const odd = '{"id":"odd","resourceType":"Observation"}\n'
    await writeFile(join(directory, 'a.ndjson'), ndjson('Patient', 2))
    await writeFile(join(directory, 'b.ndjson.gz'), gzipSync(ndjson('Condition', 300) + odd))
    await writeFile(join(directory, 'log.ndjson'), '{"eventId":"kickoff"}\n')
    await writeFile(join(directory, 'empty.ndjson'), '\n')
    await writeFile(join(directory, 'readme.txt'), 'no data')
    await mkdir(join(directory, 'attachments'))
    await writeFile(join(directory, 'attachments', 'index.ndjson'), '{}\n')
    const sink = new MemorySink()

    const result = await loadExport({ directory, sink, clock: new InstantClock() })

    expect(result).toMatchObject({ verified: false, files: 2 })
    expect(result.skipped).toEqual(['empty.ndjson', 'log.ndjson'])
    expect(result.report).toMatchObject({ source: pathToFileURL(directory).href, exports: [] })
    expect(result.report.landing?.types.map(({ type, received }) => [type, received])).toEqual([
      ['Condition', 300],
      ['Observation', 1],
      ['Patient', 2],
    ])
  })

  test('is refused when there is nothing in it, or a line is no JSON; the line is not quoted', async () => {
    const directory = await temporaryDirectory()
    const sink = new MemorySink()
    await expect(loadExport({ directory, sink })).rejects.toMatchObject({ fault: 'empty' })
    await writeFile(join(directory, 'a.ndjson'), `${ndjson('Patient', 1)}{"family": Smith}\n`)

    const error: unknown = await loadExport({ directory, sink }).catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'NDJSON_INVALID', lineNumber: 2 })
    expect(String(error) + JSON.stringify(error)).not.toContain('Smith')
  })
})

describe('the status', () => {
  test('tells where each cohort stands, without asking the source', async () => {
    const bench = await SyncBench.start()
    bench.connection = { ...bench.connection, reconcileEveryMs: 86_400_000 }
    const { connection, sink, workDirectory, clock } = bench
    const options = { connection, sink, workDirectory, clock }
    const [before] = await syncStatus(options)
    const report = await bench.syncOnce()
    bench.source.refuseFile = () => 404
    await bench.syncOnce({ full: true })
    const asked = bench.source.kickOffs.length

    const [status] = await syncStatus(options)

    const watermark = new Date(report.transactionTime ?? '')
    expect(before).toMatchObject({ needsFullRun: true, state: { watermarks: [] } })
    expect(status).toMatchObject({
      ...{ needsFullRun: false, watermark, key: { cohort: 'group/g' } },
      nextReconcileAt: new Date(watermark.getTime() + 86_400_000),
      watermarkAgeMs: clock.now().getTime() - watermark.getTime(),
      lastRun: { result: 'stopped' },
      underWay: { kind: 'full', exports: ['all'] },
    })
    expect(bench.source.kickOffs).toHaveLength(asked)
  })

  test('of past runs is also in the work directory', async () => {
    const bench = await SyncBench.start()
    const first = await bench.syncOnce()
    await bench.clock.wait(1000)
    const second = await bench.syncOnce()

    const reports = await readSyncReports({ workDirectory: bench.workDirectory })

    expect(reports.map(({ runId }) => runId)).toEqual([second.runId, first.runId])
    expect(reports[1]).toEqual(first)
  })
})

test.each([
  [{ level: 'group' as const, groupIds: [] }, 'needs the id'],
  [{ level: 'system' as const }, 'do not go with'],
  [{ groupIds: ['../x'] }, 'needs the id'],
  [{ url: 'ftp://x' }, 'not an http'],
  [{ overlapMs: -1 }, 'overlapMs'],
  [{ reconcileEveryMs: 0 }, 'reconcileEveryMs'],
  [{ backfillBatchSize: 0 }, 'backfillBatchSize'],
  [{ thresholds: { shrinkShare: 2 } }, 'shrinkShare'],
  [{ types: [] }, 'empty list'],
  [{ profile: 'nobody' }, 'profile'],
])(
  'a connection that makes no sense is refused before anything is done: %j',
  async (wrong, text) => {
    const bench = await SyncBench.start(1)
    bench.connection = { ...bench.connection, ...wrong }

    await expect(bench.sync()).rejects.toMatchObject({
      code: 'EXPORT_OPTIONS_INVALID',
      message: expect.stringContaining(text) as unknown,
    })
    expect(bench.source.kickOffs).toEqual([])
  },
)
