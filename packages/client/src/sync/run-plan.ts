import { randomUUID } from 'node:crypto'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import type { FullReason } from './sync-report.ts'
import type { SyncSettings } from './sync-settings.ts'
import type { SyncState, Watermark } from './sync-state.ts'

/** Form of {@link RunPlan}; a reader refuses a larger one. */
export const RUN_PLAN_VERSION = 1

/** What a run is going to do; on the disk before any of it is done. Instants are ISO 8601. */
export interface RunPlan {
  readonly version: number
  readonly runId: string
  /** Of the connection that it was planned for. */
  readonly definition: string
  readonly kind: 'full' | 'incremental'
  readonly fullReasons: readonly FullReason[]
  readonly startedAt: string
  /** `_since` of the data. */
  readonly since?: string | undefined
  /** Run of the sink's last commit when this one was planned. */
  readonly basedOn?: string | undefined
  /** The earliest of the connection's watermarks. */
  readonly previousTransactionTime?: string | undefined
  readonly inStepUntil?: string | undefined
  /** Id of the profile that the exports follow. */
  readonly profile: string
  /** Whether the roster is asked for with `_elements=id`. */
  readonly rosterElements: boolean
  /** Complete files when an incomplete export stopped it. */
  readonly stoppedAtFiles?: number | undefined
}

/** What a plan is made of. */
export interface PlanInput {
  readonly state: SyncState
  readonly settings: SyncSettings
  readonly definition: string
  readonly profile: ProviderProfile
  readonly now: Date
  /** What the caller wants to have a full run for. */
  readonly want?: 'asked' | 'reconcile-due' | undefined
}

/** Works out what the next run of a cohort has to do. */
export function planRun(input: PlanInput): RunPlan {
  const { state, settings, profile, now } = input
  const known = knownWatermarks(state, settings)
  const fullReasons = reasonsForFull(input, known)
  const earliest = instantMs(Math.min, known)
  const isFull = fullReasons.length > 0
  const since = isFull ? profile.fullSince : sinceOf(state, settings, earliest)
  const isComparable = fullReasons.every((each) => each === 'asked' || each === 'reconcile-due')
  return {
    version: RUN_PLAN_VERSION,
    runId: newRunId(now),
    definition: input.definition,
    kind: isFull ? 'full' : 'incremental',
    fullReasons,
    startedAt: now.toISOString(),
    since,
    basedOn: state.lastRunId,
    previousTransactionTime: earliest === undefined ? undefined : toIso(earliest),
    inStepUntil: isFull && isComparable && earliest !== undefined ? toIso(earliest) : undefined,
    profile: profile.id,
    rosterElements: profile.elements !== 'not-supported',
  }
}

/** The same run as a full one. */
export function asFullRun(plan: RunPlan, reason: FullReason, profile: ProviderProfile): RunPlan {
  return {
    ...plan,
    kind: 'full',
    fullReasons: [...plan.fullReasons, reason],
    since: profile.fullSince,
    inStepUntil: undefined,
    stoppedAtFiles: undefined,
  }
}

/** Ids sort by the time of the plan. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${stamp}-${randomUUID().slice(0, 8)}`
}

/** Whether everything has to be compared again. */
export function isReconcileDue(
  { lastFullAt, watermarks }: SyncState,
  { reconcileEveryMs }: SyncSettings,
  now: Date,
): boolean {
  if (reconcileEveryMs === undefined || watermarks.length === 0) return false
  return lastFullAt === undefined || now.getTime() - lastFullAt.getTime() >= reconcileEveryMs
}

/**
 * The watermarks of a connection that can be gone on from.
 *
 * One that is earlier than the roster was not in the last run: since then patients have joined whose
 * history of that type nobody fetched.
 */
export function knownWatermarks(
  { watermarks, rosterAt }: SyncState,
  settings: SyncSettings,
): readonly Watermark[] {
  return settings.watermarks.flatMap(({ type, filter }) =>
    watermarks.filter(
      (mark) =>
        mark.type === type &&
        mark.filter === filter &&
        (rosterAt === undefined || mark.transactionTime >= rosterAt),
    ),
  )
}

function reasonsForFull(
  { state, settings, profile, want }: PlanInput,
  known: readonly Watermark[],
): readonly FullReason[] {
  if (state.watermarks.length === 0) return ['first-run']
  return [
    ...(known.length < settings.watermarks.length ? (['new-types'] as const) : []),
    ...(profile.since === 'not-supported' ? (['since-not-supported'] as const) : []),
    ...(want === undefined ? [] : [want]),
  ]
}

/** Also not later than the roster: who joined after it has to be in the changes. */
function sinceOf(
  { rosterAt }: SyncState,
  { overlapMs }: SyncSettings,
  earliestMs: number | undefined,
): string | undefined {
  if (earliestMs === undefined) return undefined
  return toIso(Math.min(earliestMs - overlapMs, rosterAt?.getTime() ?? Infinity))
}

/** The earliest or the latest of some watermarks, in milliseconds since 1970. */
export function instantMs(
  choose: (...values: readonly number[]) => number,
  marks: readonly Watermark[],
): number | undefined {
  if (marks.length === 0) return undefined
  return choose(...marks.map(({ transactionTime }) => transactionTime.getTime()))
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
