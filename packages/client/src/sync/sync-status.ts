import { resolve } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'
import { CohortFolder } from './cohort-folder.ts'
import { instantMs, knownWatermarks, type RunPlan } from './run-plan.ts'
import type { Sink, SinkSession } from './sink.ts'
import type { SyncConnection } from './sync-options.ts'
import type { SyncReport } from './sync-report.ts'
import { resolveConnection, type SyncCohort, type SyncSettings } from './sync-settings.ts'
import type { CohortKey, SyncState } from './sync-state.ts'

const MANY_RUNS = 1000

/** A run that was begun and has not ended; the next one goes on with it. */
export interface RunUnderWay {
  readonly runId: string
  readonly kind: 'full' | 'incremental'
  readonly startedAt: Date
  /** Exports that were begun: `roster`, `all`, `changes`, `history-0` … */
  readonly exports: readonly string[]
}

/** Where one cohort stands. */
export interface CohortStatus {
  readonly key: CohortKey
  readonly state: SyncState
  /** The earliest of the connection's watermarks: the landed data is in step up to then. */
  readonly watermark?: Date
  readonly watermarkAgeMs?: number
  /** Of the latest run that ended, committed or stopped. */
  readonly lastRun?: SyncReport
  readonly underWay?: RunUnderWay
  /** When everything is compared again; a past instant means by the next run. */
  readonly nextReconcileAt?: Date
  /** The next run is a full one: there is nothing to go on from. */
  readonly needsFullRun: boolean
}

/** What {@link syncStatus} looks at. */
export interface SyncStatusOptions {
  readonly connection: SyncConnection
  readonly sink: Sink
  readonly workDirectory: string
  readonly clock?: Clock | undefined
}

/**
 * Tells where each cohort of a connection stands, without asking its source anything.
 *
 * @throws `EXPORT_OPTIONS_INVALID`; what the sink throws.
 */
export async function syncStatus(options: SyncStatusOptions): Promise<readonly CohortStatus[]> {
  const settings = resolveConnection(options.connection)
  await using session = await options.sink.open()
  const statuses: CohortStatus[] = []
  for (const cohort of settings.cohorts) {
    statuses.push(await cohortStatus(options, { settings, cohort, session }))
  }
  return statuses
}

async function cohortStatus(
  { workDirectory, clock = systemClock }: SyncStatusOptions,
  parts: {
    readonly settings: SyncSettings
    readonly cohort: SyncCohort
    readonly session: SinkSession
  },
): Promise<CohortStatus> {
  const { settings, cohort, session } = parts
  const { key } = cohort
  const folder = new CohortFolder(resolve(workDirectory), key)
  const state = await session.readState(key)
  const plan = await folder.readPlan()
  const runs = await session.runs({ limit: MANY_RUNS, source: key.source })
  const lastRun = runs.find((report) => report.cohort === key.cohort)
  const known = knownWatermarks(state, settings)
  const watermarkMs = instantMs(Math.min, known)
  const reconcileAt = nextReconcile(state, settings)
  return {
    key,
    state,
    needsFullRun: known.length < settings.watermarks.length,
    ...(watermarkMs !== undefined && {
      watermark: new Date(watermarkMs),
      watermarkAgeMs: clock.now().getTime() - watermarkMs,
    }),
    ...(lastRun !== undefined && { lastRun }),
    ...(plan !== undefined && { underWay: underWay(plan, await folder.exportNames()) }),
    ...(reconcileAt !== undefined && { nextReconcileAt: reconcileAt }),
  }
}

function underWay(plan: RunPlan, exports: readonly string[]): RunUnderWay {
  const { runId, kind, startedAt } = plan
  return { runId, kind, startedAt: new Date(startedAt), exports }
}

function nextReconcile(
  { lastFullAt }: SyncState,
  { reconcileEveryMs }: SyncSettings,
): Date | undefined {
  if (lastFullAt === undefined || reconcileEveryMs === undefined) return undefined
  return new Date(lastFullAt.getTime() + reconcileEveryMs)
}
