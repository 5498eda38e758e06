import { join, resolve } from 'node:path'
import { BulkDataError } from '@flatfhir/protocol'
import { ExportAbortedError, SyncInProgressError } from '../errors.ts'
import { RunLock } from '../journal/run-lock.ts'
import { CohortSync } from './cohort-sync.ts'
import { reportsIn } from './cohort-folder.ts'
import type { SyncOptions } from './sync-options.ts'
import type { SyncReport } from './sync-report.ts'
import { resolveConnection, type SyncCohort, type SyncSettings } from './sync-settings.ts'
import type { CohortKey } from './sync-state.ts'

/** What became of a cohort, or of all. From best to worst. */
export type SyncResult = 'committed' | 'stopped' | 'failed'

/** What became of one cohort. */
export interface CohortResult {
  readonly key: CohortKey
  /**
   * - `committed`: it is in step.
   * - `stopped`: an alarm stopped its run before the commit; see the last report.
   * - `failed`: its run could not be brought to an end; see `error`. The next one goes on with it.
   */
  readonly result: SyncResult
  /** Of the runs that ended, in order. */
  readonly reports: readonly SyncReport[]
  /** With `failed` only. */
  readonly error?: BulkDataError
}

/** What became of a sync. */
export interface SyncRunsReport {
  /** The worst of the cohorts'. */
  readonly result: SyncResult
  readonly cohorts: readonly CohortResult[]
}

/**
 * Brings everything that a connection names in step with its source: each cohort by a run of its
 * own, one after another. A cohort that fails does not keep the others from being synced.
 *
 * The state is in the sink, and moves only in its commits. The same call after a crash, an error or
 * an abort goes on where it was.
 *
 * @throws `EXPORT_ABORTED` when `signal` ends it; {@link SyncInProgressError} when another process
 *   works in the work directory; `EXPORT_OPTIONS_INVALID`; the file system's errors.
 *
 * @example
 * ```ts
 * const { result } = await runSync({
 *   connection: { url: 'https://ehr.example.org/fhir', level: 'group', groupIds: ['diabetes'] },
 *   sink: new DuckDbSink({ path: 'warehouse.duckdb' }),
 *   workDirectory: './sync',
 * })
 * ```
 */
export async function runSync(options: SyncOptions): Promise<SyncRunsReport> {
  const settings = resolveConnection(options.connection)
  const workDirectory = resolve(options.workDirectory)
  const lock = await RunLock.take(join(workDirectory, '.lock'))
  if (lock === undefined) throw new SyncInProgressError(workDirectory)
  try {
    const cohorts: CohortResult[] = []
    for (const cohort of settings.cohorts) {
      cohorts.push(await syncCohort({ ...options, workDirectory }, settings, cohort))
    }
    return { result: worstOf(cohorts), cohorts }
  } finally {
    await lock[Symbol.asyncDispose]()
  }
}

/**
 * Reads the reports in a work directory. The sink has those of all runs; these are there although
 * somebody else has it open.
 *
 * @returns Newest first.
 */
export async function readSyncReports({
  workDirectory,
  limit = 50,
}: {
  readonly workDirectory: string
  /** @defaultValue 50 */
  readonly limit?: number
}): Promise<readonly SyncReport[]> {
  return reportsIn(resolve(workDirectory), limit)
}

async function syncCohort(
  options: SyncOptions,
  settings: SyncSettings,
  cohort: SyncCohort,
): Promise<CohortResult> {
  const { key } = cohort
  const { signal } = options
  const reports: SyncReport[] = []
  try {
    signal?.throwIfAborted()
    await new CohortSync(options, settings, cohort).run((report) => reports.push(report))
    const result = reports.at(-1)?.result ?? 'committed'
    return { key, result, reports }
  } catch (error) {
    if (signal?.aborted === true) {
      if (error instanceof ExportAbortedError) throw error
      throw new ExportAbortedError(false, true)
    }
    if (!BulkDataError.is(error)) throw error
    return { key, result: 'failed', reports, error }
  }
}

function worstOf(cohorts: readonly CohortResult[]): SyncResult {
  const results = new Set(cohorts.map(({ result }) => result))
  if (results.has('failed')) return 'failed'
  return results.has('stopped') ? 'stopped' : 'committed'
}
