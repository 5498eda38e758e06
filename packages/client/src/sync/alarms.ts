import type { LandingInspection, LandedType } from './sink.ts'
import type { SyncThresholds } from './sync-options.ts'
import type { SyncAlarm, SyncExportPurpose } from './sync-report.ts'

/** An alarm of which nobody knows yet whether it is accepted. */
export type RaisedAlarm = Omit<SyncAlarm, 'accepted'>

/** An export does not hold everything that its manifest promises. */
export function incompleteAlarm(
  purpose: SyncExportPurpose,
  { complete, promised }: { readonly complete: number; readonly promised: number },
): RaisedAlarm {
  return {
    code: 'EXPORT_INCOMPLETE',
    message: `The export of ${PURPOSES[purpose]} has ${complete} of ${promised} files`,
  }
}

const PURPOSES: Readonly<Record<SyncExportPurpose, string>> = {
  roster: 'the roster',
  all: 'everything',
  changes: 'the changes',
  history: "joiners' history",
}

/** The source's clock says that it is earlier than at the last run. */
export function clockAlarms(
  transactionTime: Date,
  previous: Date | undefined,
): readonly RaisedAlarm[] {
  if (previous === undefined || transactionTime >= previous) return []
  const message = `The source's transactionTime ${transactionTime.toISOString()} is before that of the last run, ${previous.toISOString()}`
  return [{ code: 'CLOCK_BACKWARDS', message }]
}

/** The cohort lost a suspicious share of its members. */
export function rosterAlarms(
  roster: { readonly members: number; readonly membersBefore: number },
  thresholds: SyncThresholds,
): readonly RaisedAlarm[] {
  const { members, membersBefore } = roster
  const isEmpty = members === 0 && membersBefore > 0
  if (!isEmpty && membersBefore - members <= limitOf(membersBefore, thresholds)) return []
  const message = `The cohort has ${members} members, and had ${membersBefore}`
  return [{ code: 'SUSPICIOUS_SHRINK', message, type: 'Patient' }]
}

/** What the inspection of a landing gives reason to stop for. */
export function landingAlarms(
  { types, roster }: LandingInspection,
  part: 'all' | 'changes',
  thresholds: SyncThresholds,
): readonly RaisedAlarm[] {
  const members = roster === undefined ? [] : rosterAlarms(roster, thresholds)
  const ofTypes = types.flatMap((landed) =>
    part === 'all'
      ? shrinkAlarms(landed, thresholds)
      : [...olderAlarms(landed, thresholds), ...removalAlarms(landed, thresholds)],
  )
  return [...members, ...ofTypes]
}

function shrinkAlarms(
  { type, before, received }: LandedType,
  thresholds: SyncThresholds,
): readonly RaisedAlarm[] {
  const vanished = received === 0 && before >= Math.max(1, thresholds.shrinkRows)
  if (!vanished && before - received <= limitOf(before, thresholds)) return []
  const message = `The source sent ${received} of type ${type}, and ${before} are landed`
  return [{ code: 'SUSPICIOUS_SHRINK', message, type }]
}

function removalAlarms(
  { type, before, deletedTold, left }: LandedType,
  thresholds: SyncThresholds,
): readonly RaisedAlarm[] {
  const gone = deletedTold + left
  if (gone <= limitOf(before, thresholds)) return []
  const message = `${gone} of ${before} landed resources of type ${type} would go: ${deletedTold} deleted, ${left} of patients who left`
  return [{ code: 'SUSPICIOUS_SHRINK', message, type }]
}

function olderAlarms(
  { type, before, comparable, older }: LandedType,
  { olderShare }: SyncThresholds,
): readonly RaisedAlarm[] {
  // A source that ignores `_since` sends everything; a few of many may be old for other reasons.
  if (older <= Math.max(comparable, before) * olderShare) return []
  const message = `${older} of ${comparable} changes of type ${type} are older than _since: the source seems to ignore it`
  return [{ code: 'SINCE_IGNORED', message, type }]
}

function limitOf(before: number, { shrinkShare, shrinkRows }: SyncThresholds): number {
  return Math.max(before * shrinkShare, shrinkRows)
}
