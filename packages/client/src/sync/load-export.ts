import { type Clock, systemClock } from '../clock.ts'
import type { Receipt } from '../receipt/receipt.ts'
import { incompleteAlarm } from './alarms.ts'
import {
  type ExportedFolder,
  type ExportedFolderOptions,
  readExportedFolder,
} from './exported-folder.ts'
import { newRunId } from './run-plan.ts'
import type { LandingInspection, LandingRun, Sink } from './sink.ts'
import { SYNC_REPORT_VERSION, type SyncExport, type SyncReport } from './sync-report.ts'

/** What to load, and where. */
export interface LoadOptions extends ExportedFolderOptions {
  readonly sink: Sink
  readonly clock?: Clock | undefined
}

/** What was loaded. */
export interface LoadResult {
  /**
   * Whether the files are those of an export that flatfhir checked, by its receipt. Otherwise
   * nobody knows whether anything is missing.
   */
  readonly verified: boolean
  readonly report: SyncReport
  /** Files that were loaded. */
  readonly files: number
  /** Names of files of NDJSON that hold no resources, such as logs; they were left alone. */
  readonly skipped: readonly string[]
}

/**
 * Lands a folder that was exported earlier. Nothing is removed by absence, and no watermark moves: a
 * sync of the same source begins with a full run, or goes on from where it was.
 *
 * @throws `LOAD_REFUSED` when the export is not complete, or its files are not what its
 *   receipt says; `RECEIPT_INVALID`; `NDJSON_INVALID`; what the sink throws. Nothing is landed then.
 */
export async function loadExport(options: LoadOptions): Promise<LoadResult> {
  const clock = options.clock ?? systemClock
  const now = (): Date => clock.now()
  const startedAt = now()
  const folder = await readExportedFolder(options)
  const { receipt, output, skipped, since, cohort } = folder
  const run: LandingRun = {
    id: newRunId(startedAt),
    cohort,
    kind: 'load',
    startedAt,
    types: undefined,
    since,
  }
  await using session = await options.sink.open()
  const report = await (async () => {
    await using landing = await session.begin(run)
    await landing.write(output, 'changes')
    await landing.delete(folder.deleted)
    const inspection = await landing.inspect()
    const made = loadReport({ run, folder, inspection, finishedAt: now() })
    await landing.commit({ watermarks: [], report: made })
    return made
  })()
  await session.publish()
  return { verified: receipt !== undefined, report, files: output.length, skipped }
}

function loadReport(parts: {
  readonly run: LandingRun
  readonly folder: ExportedFolder
  readonly inspection: LandingInspection
  readonly finishedAt: Date
}): SyncReport {
  const { run, folder, inspection, finishedAt } = parts
  const { receipt, cohort } = folder
  const totalMs = finishedAt.getTime() - run.startedAt.getTime()
  const isIncomplete = receipt !== undefined && receipt.verdict !== 'complete'
  return {
    reportVersion: SYNC_REPORT_VERSION,
    runId: run.id,
    ...cohort,
    kind: 'load',
    fullReasons: [],
    result: 'committed',
    startedAt: run.startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    exports: receipt === undefined ? [] : [loadedExport(receipt, run)],
    alarms: isIncomplete ? [{ ...incompleteReceipt(receipt), accepted: true }] : [],
    landing: inspection,
    timings: { exportMs: 0, landingMs: totalMs, totalMs },
  }
}

function incompleteReceipt({ totals }: Receipt): ReturnType<typeof incompleteAlarm> {
  return incompleteAlarm('all', { complete: totals.filesComplete, promised: totals.files })
}

function loadedExport(receipt: Receipt, run: LandingRun): SyncExport {
  const { exportId, verdict, transactionTime, files, totals, times } = receipt
  const { resources, deletions, bytes } = totals
  return {
    purpose: run.since === undefined ? 'all' : 'changes',
    exportId,
    verdict,
    transactionTime,
    ...(run.since !== undefined && { since: run.since.toISOString() }),
    files: files.length,
    ...{ resources, deletions, bytes },
    milliseconds: Date.parse(times.finishedAt) - Date.parse(times.startedAt),
  }
}
