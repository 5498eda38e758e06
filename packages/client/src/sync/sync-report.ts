import type { OutcomeCount } from '../export-report.ts'
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
  /** The source refused `_since`: for example, because it is too long ago. */
  | 'since-refused'
  /** The source's clock was set back, which was accepted: `_since` means nothing then. */
  | 'clock-backwards'

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

/**
 * What an export of a run is for: who is in the cohort, everything, what changed, everything of
 * patients who joined.
 */
export type SyncExportPurpose = 'roster' | 'all' | 'changes' | 'history'

/** One export of a run. */
export interface SyncExport {
  readonly purpose: SyncExportPurpose
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
  /**
   * What the source said of its own work, where it said anything. After errors nothing is taken for
   * gone because it did not come.
   */
  readonly outcomes?: readonly OutcomeCount[]
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
