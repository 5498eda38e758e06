import type { Edition, ExportLevel } from '@flatfhir/protocol'
import type { ExportOptions } from '../export-options.ts'
import type { VendorParameter } from '../export-parameters.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import type { Sink } from './sink.ts'
import type { SyncEvent } from './sync-event.ts'
import type { SyncAlarmCode } from './sync-report.ts'

/** From where on a difference makes a run stop before it commits. */
export interface SyncThresholds {
  /**
   * Share of what was landed, 0 to 1: a run that has less by more than that, or removes more, stops.
   *
   * @defaultValue 0.2
   */
  readonly shrinkShare: number
  /**
   * Rows (and members of the roster) below which a shrinking is never suspicious.
   *
   * @defaultValue 10
   */
  readonly shrinkRows: number
  /**
   * Share of the changes of a type, 0 to 1, that may be older than `_since`; and of what is landed of
   * the type, if that is more.
   *
   * @defaultValue 0.2
   */
  readonly olderShare: number
}

/** What is kept in step: the data of one source, for one cohort or, by Groups, for several. */
export interface SyncConnection {
  /** The provider's FHIR base URL. */
  readonly url: string
  readonly level: ExportLevel
  /** Ids of the Groups; needed at level `group`, not allowed at the others. Each is a cohort. */
  readonly groupIds?: readonly string[] | undefined
  /** `_type`: only these resource types. Default: all that the provider exports. */
  readonly types?: readonly string[] | undefined
  /** `_typeFilter`: FHIR searches, for example `Observation?category=laboratory`. */
  readonly typeFilters?: readonly string[] | undefined
  readonly includeAssociatedData?: readonly string[] | undefined
  /** Other kick-off parameters, for every export of a run. */
  readonly vendor?: readonly VendorParameter[] | undefined
  /** Headers for every request to the provider's origin. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** @defaultValue `'auto'` */
  readonly profile?: ProviderProfile | string | undefined
  /** @defaultValue `'auto'` */
  readonly edition?: Edition | 'auto' | undefined
  /** Sends `Prefer: handling=lenient`. Never for the history of joiners. */
  readonly lenient?: boolean | undefined
  /** @defaultValue `false` */
  readonly separateExportStatus?: boolean | undefined
  /**
   * How far before the watermark `_since` is, in milliseconds: for sources that stamp loosely.
   *
   * @defaultValue one hour
   */
  readonly overlapMs?: number | undefined
  /**
   * How often everything is exported and compared, in milliseconds.
   *
   * @defaultValue 28 days
   */
  readonly reconcileEveryMs?: number | 'never' | undefined
  readonly thresholds?: Partial<SyncThresholds> | undefined
  /**
   * Patients in one export of joiners' history.
   *
   * @defaultValue 200
   */
  readonly backfillBatchSize?: number | undefined
}

/** Settings of the exports of a run, as {@link ExportOptions} has them. */
export type SyncExportSettings = Pick<
  ExportOptions,
  | 'accessToken'
  | 'concurrency'
  | 'verificationThreads'
  | 'maxRetryAfterSeconds'
  | 'idleTimeoutMs'
  | 'maxAttempts'
  | 'maxThrottles'
  | 'maxLineBytes'
  | 'maxDecompressionRatio'
  | 'dispatcher'
  | 'clock'
  | 'random'
>

/** What to sync, whence, whither. */
export interface SyncOptions extends SyncExportSettings {
  readonly connection: SyncConnection
  readonly sink: Sink
  /**
   * Folder for exports under way and for reports. Made when it is missing; one run at a time. What it
   * holds can be lost: the state is in the sink.
   */
  readonly workDirectory: string
  /** Makes the run a full one. */
  readonly full?: boolean | undefined
  /** Alarms that do not stop the run. */
  readonly accept?: readonly SyncAlarmCode[] | undefined
  /** Ends the run: the promise rejects with `EXPORT_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /**
   * What an aborted run does with the export under way: `keep` it, so that the next run goes on with
   * it, or `delete` it at the provider.
   *
   * @defaultValue `'keep'`
   */
  readonly onAbort?: 'keep' | 'delete' | undefined
  /** Told of everything that happens, in order. Must not throw and should return quickly. */
  readonly onEvent?: ((event: SyncEvent) => void) | undefined
}
