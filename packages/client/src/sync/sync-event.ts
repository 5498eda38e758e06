import type { ExportEvent } from '../export-event.ts'
import type { LandingInspection, RosterChange } from './sink.ts'
import type {
  FullReason,
  RunKind,
  SyncAlarm,
  SyncExport,
  SyncReport,
  SyncExportPurpose,
} from './sync-report.ts'

/** Which run an event is about. */
export interface SyncEventRun {
  /** `system`, `patient`, or `group/` and the id of the Group. */
  readonly cohort: string
  readonly runId: string
}

/** Why a run goes on in another way than planned. */
export type SyncFallback = FullReason | 'elements-refused'

/** Why the exports of a run are thrown away. */
export type DiscardReason =
  | 'landed'
  | 'stopped'
  | 'connection-changed'
  | 'sink-moved-on'
  | 'left-behind'
  | 'became-full'
  | 'lost-at-provider'

/** What happens in a sync, told as it happens. Tagged by `type`. Holds no patient data. */
export type SyncEvent = SyncEventRun &
  (
    | {
        /** The plan is on the disk. Nothing has been asked of the source for this run. */
        readonly type: 'run-planned'
        readonly kind: RunKind
        readonly fullReasons: readonly FullReason[]
        /** ISO 8601. */
        readonly since: string | undefined
        /** An interrupted run is taken up again. */
        readonly resumed: boolean
      }
    | {
        readonly type: 'export-begun'
        readonly purpose: SyncExportPurpose
        /** Of joiners' history: 1 for the first. */
        readonly batch: number
        readonly batches: number
      }
    | {
        readonly type: 'export-event'
        readonly purpose: SyncExportPurpose
        readonly event: ExportEvent
      }
    | { readonly type: 'export-finished'; readonly export: SyncExport }
    | { readonly type: 'roster-compared'; readonly roster: Omit<RosterChange, 'joinerIds'> }
    | { readonly type: 'fallback'; readonly reason: SyncFallback }
    | { readonly type: 'discarded'; readonly reason: DiscardReason }
    | { readonly type: 'landing-begun' }
    | { readonly type: 'landing-inspected'; readonly landing: LandingInspection }
    | { readonly type: 'alarm'; readonly alarm: SyncAlarm }
    | { readonly type: 'committed' }
    | { readonly type: 'published' }
    | { readonly type: 'run-finished'; readonly report: SyncReport }
  )
