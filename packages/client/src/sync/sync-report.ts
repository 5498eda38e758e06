import type { LandingInspection } from './sink.ts'

/** Form of {@link SyncReport}; a change that readers must know of makes it larger. */
export const SYNC_REPORT_VERSION = 1

/**
 * - `full`: everything of the cohort was exported, landed, and compared with what was landed before.
 * - `incremental`: what changed since the watermark.
 * - `load`: a folder that was exported earlier, without regard to watermarks.
 */
export type RunKind = 'full' | 'incremental' | 'load'

/** Why a run was a full one. */
export type FullReason =
  | 'first-run'
  | 'asked'
  | 'reconcile-due'
  | 'new-types'
  | 'since-not-supported'
  | 'joiners-not-supported'
  | 'many-joiners'

/** Something that makes a run stop before it commits, unless it is accepted. */
export type SyncAlarmCode =
  'EXPORT_INCOMPLETE' | 'SINCE_IGNORED' | 'CLOCK_BACKWARDS' | 'SUSPICIOUS_SHRINK'

/** One alarm. Holds no patient data. */
export interface SyncAlarm {
  readonly code: SyncAlarmCode
  readonly message: string
  /** Type that it is about. */
  readonly type?: string
  /** The run went on because the caller accepts such alarms. */
  readonly accepted: boolean
}

/** One export of a run. */
export interface SyncExport {
  /** What it was for: `roster`, `all`, `changes`, `history`. */
  readonly purpose: 'roster' | 'all' | 'changes' | 'history'
  readonly exportId: string
  readonly verdict: 'complete' | 'incomplete' | 'failed'
  readonly transactionTime: string
  /** `_since`, where it was sent. */
  readonly since?: string
  readonly files: number
  readonly resources: number
  readonly deletions: number
  readonly bytes: number
  readonly milliseconds: number
}

/**
 * The account of one run for one cohort. Instants are ISO 8601. Holds no patient data: counts, codes,
 * names and instants only.
 */
export interface SyncReport {
  readonly reportVersion: typeof SYNC_REPORT_VERSION
  readonly runId: string
  readonly source: string
  readonly cohort: string
  readonly kind: RunKind
  readonly fullReasons: readonly FullReason[]
  /** `committed`: data and watermarks moved. `stopped`: by an alarm, before the commit. */
  readonly result: 'committed' | 'stopped'
  readonly startedAt: string
  readonly finishedAt: string
  /** The new watermark: the earliest `transactionTime` of the run's data. */
  readonly transactionTime?: string
  /** The watermark before. */
  readonly previousTransactionTime?: string
  readonly exports: readonly SyncExport[]
  readonly alarms: readonly SyncAlarm[]
  /** What was landed, or would have been; absent when the run stopped before anything was staged. */
  readonly landing?: LandingInspection
  readonly timings: {
    readonly exportMs: number
    readonly landingMs: number
    readonly totalMs: number
  }
}
