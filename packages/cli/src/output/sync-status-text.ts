import type { CohortStatus } from '@flatfhir/client'
import { formatQuantity, formatSeconds } from './format-number.ts'
import type { Style } from './style.ts'
import { syncHeadline } from './sync-report-text.ts'

/** Where a connection stands. */
export interface ConnectionStatus {
  readonly name: string
  /** Empty before the first run. */
  readonly cohorts: readonly CohortStatus[]
  readonly now: Date
}

/** Where a connection stands, for people. */
export function syncStatusText(
  { name, cohorts, now }: ConnectionStatus,
  style: Style,
): readonly string[] {
  if (cohorts.length === 0) return [`${style.bold(name)}: nothing is landed yet`]
  return [style.bold(name), ...cohorts.flatMap((cohort) => cohortLines(cohort, now, style))]
}

function cohortLines(status: CohortStatus, now: Date, style: Style): readonly string[] {
  const { key, watermark, lastRun, underWay, nextReconcileAt, needsFullRun } = status
  const upTo =
    watermark === undefined
      ? style.yellow('never in step')
      : `in step up to ${watermark.toISOString()} (${age(now, watermark)} ago)`
  const members =
    status.state.rosterAt === undefined ? '' : `, ${formatQuantity(status.state.members, 'member')}`
  return [
    `  ${key.cohort}: ${upTo}${members}`,
    ...(lastRun === undefined
      ? []
      : [`    last run at ${lastRun.finishedAt}: ${withoutCohort(syncHeadline(lastRun))}`]),
    ...(needsFullRun ? ['    the next run is a full one'] : []),
    ...(nextReconcileAt === undefined ? [] : [`    ${reconcileText(nextReconcileAt, now)}`]),
    ...(underWay === undefined
      ? []
      : [`    a ${underWay.kind} run of ${underWay.startedAt.toISOString()} is not finished`]),
  ]
}

function withoutCohort(headline: string): string {
  return headline.slice(headline.indexOf(': ') + 2)
}

function reconcileText(at: Date, now: Date): string {
  return at > now ? `everything is compared again after ${at.toISOString()}` : 'a reconcile is due'
}

/** `3 days`, `2 h`, `4 min 05 s`. */
function age(now: Date, then: Date): string {
  const seconds = Math.max(0, (now.getTime() - then.getTime()) / 1000)
  if (seconds >= 172_800) return `${Math.floor(seconds / 86_400)} days`
  return seconds >= 7_200 ? `${Math.floor(seconds / 3_600)} h` : formatSeconds(seconds)
}
