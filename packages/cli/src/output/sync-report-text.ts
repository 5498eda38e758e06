import type {
  FullReason,
  LandedType,
  SyncAlarm,
  SyncExport,
  SyncReport,
  TypeDrift,
} from '@flatfhir/client'
import { formatCount, formatMegabytes, formatQuantity, formatSeconds } from './format-number.ts'
import { formatTable, type TableColumn } from './format-table.ts'
import type { Style } from './style.ts'

const REASONS: Readonly<Record<FullReason, string>> = {
  'first-run': 'the first run',
  asked: 'asked for',
  'reconcile-due': 'a reconcile is due',
  'new-types': 'the connection asks for other types or filters',
  'since-not-supported': 'the source does not support _since',
  'joiners-not-supported': 'the source cannot give the history of joiners alone',
  'many-joiners': 'many joined',
  'since-refused': 'the source refused _since',
  'clock-backwards': "the source's clock was set back",
}

const NEXT_STEPS: Readonly<Record<SyncAlarm['code'], string>> = {
  EXPORT_INCOMPLETE:
    'Run it again to fetch what is missing. --accept EXPORT_INCOMPLETE lands what is there, removes nothing by absence, and leaves the watermark where it is.',
  SINCE_IGNORED:
    'The source seems to send everything again. Run it with --full to compare everything, or with --accept SINCE_IGNORED if it is right.',
  CLOCK_BACKWARDS:
    "The source's clock, or the source, is another one. Run it with --accept CLOCK_BACKWARDS, best with --full, when it is known why.",
  SUSPICIOUS_SHRINK:
    'Look whether the source lost data. If it is right, run it again with --accept SUSPICIOUS_SHRINK.',
}

const COLUMNS: readonly TableColumn[] = [
  { heading: 'type', align: 'left' },
  { heading: 'before', align: 'right' },
  { heading: 'received', align: 'right' },
  { heading: 'inserted', align: 'right' },
  { heading: 'updated', align: 'right' },
  { heading: 'deleted', align: 'right' },
  { heading: 'left', align: 'right' },
  { heading: 'after', align: 'right' },
]

/** What a run of one cohort came to, for people. */
export function syncReportText(report: SyncReport, style: Style): readonly string[] {
  return [
    headline(report, style),
    ...report.exports.map((one) => `  ${exportLine(one)}`),
    ...rosterLines(report),
    ...tableLines(report, style),
    ...driftLines(report),
    `  watermark: ${watermarkText(report)}`,
  ]
}

/** One line: the cohort, what kind of run, and what it came to. */
export function syncHeadline(report: SyncReport): string {
  const { cohort, kind, fullReasons, result } = report
  const why = fullReasons.map((reason) => REASONS[reason]).join(', ')
  const kindText = why === '' ? `${kind} run` : `${kind} run (${why})`
  const changes = result === 'committed' ? `: ${changesText(report)}` : stoppedText(report)
  return `${cohort}: ${kindText}, ${result}${changes}, in ${formatSeconds(report.timings.totalMs / 1000)}`
}

/** The same as fields of a line of a log. */
export function syncLogFields(report: SyncReport): Readonly<Record<string, unknown>> {
  const { runId, cohort, kind, fullReasons, result, transactionTime, timings } = report
  return {
    runId,
    cohort,
    kind,
    fullReasons,
    result,
    ...landedSums(report),
    alarms: report.alarms.map(({ code, type, accepted }) => ({ code, type, accepted })),
    transactionTime,
    milliseconds: Math.round(timings.totalMs),
  }
}

/** What is alarming, and what to do about it. */
export function alarmLines(report: SyncReport): readonly string[] {
  return report.alarms.map(({ code, message, type, accepted }) => {
    const about = type === undefined ? report.cohort : `${report.cohort}, ${type}`
    const sentence = /[.!?]$/.test(message) ? message : `${message}.`
    return accepted
      ? `warning: ${about}: ${sentence} Accepted. [${code}]`
      : `stopped: ${about}: ${sentence} ${NEXT_STEPS[code]} [${code}]`
  })
}

/** The watermark before and after. */
export function watermarkText({
  result,
  previousTransactionTime,
  transactionTime,
}: SyncReport): string {
  const before = previousTransactionTime ?? 'none'
  if (result === 'stopped' || transactionTime === undefined) return `${before}, not moved`
  return `${before} → ${transactionTime}`
}

function headline(report: SyncReport, style: Style): string {
  const line = syncHeadline(report)
  const coloured =
    report.result === 'committed' ? style.green(report.result) : style.yellow(report.result)
  return line.replace(`, ${report.result}`, () => `, ${style.bold(coloured)}`)
}

function stoppedText(report: SyncReport): string {
  const codes = codesOf(report)
  return codes.length === 0 ? '' : ` by ${codes.join(', ')}`
}

/** What has stopped it. */
function codesOf({ alarms }: SyncReport): readonly string[] {
  return [...new Set(alarms.filter(({ accepted }) => !accepted).map(({ code }) => code))]
}

function changesText(report: SyncReport): string {
  const { inserted, updated, deleted, left } = landedSums(report)
  const parts = [
    ...(inserted > 0 ? [`${formatCount(inserted)} inserted`] : []),
    ...(updated > 0 ? [`${formatCount(updated)} updated`] : []),
    ...(deleted > 0 ? [`${formatCount(deleted)} deleted`] : []),
    ...(left > 0 ? [`${formatCount(left)} of leavers`] : []),
  ]
  return parts.length === 0 ? 'nothing changed' : parts.join(', ')
}

/** What a run did to all types together. */
export interface LandedSums {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  readonly left: number
  /** Rows that had drifted from the source. */
  readonly drift: number
}

/** What a run did to all types together. */
export function landedSums({ landing }: SyncReport): LandedSums {
  const types = landing?.types ?? []
  const sum = (count: (type: LandedType) => number): number =>
    types.reduce((total, type) => total + count(type), 0)
  return {
    inserted: sum((type) => type.inserted),
    updated: sum((type) => type.updated),
    deleted: sum(deletedOf),
    left: sum((type) => type.left),
    drift: sum(({ drift }) => (drift === undefined ? 0 : driftOf(drift))),
  }
}

function driftOf({ missing, outdated, extra }: TypeDrift): number {
  return missing + outdated + extra
}

function deletedOf({ deletedTold, deletedComputed }: LandedType): number {
  return deletedTold + deletedComputed
}

function exportLine(one: SyncExport): string {
  const deletions = one.deletions === 0 ? '' : `, ${formatQuantity(one.deletions, 'deletion')}`
  const since = one.since === undefined ? '' : ` since ${one.since}`
  const verdict = one.verdict === 'complete' ? '' : `, ${one.verdict}`
  const errors = errorsOf(one)
  const reported = errors === 0 ? '' : `; the source reports ${formatQuantity(errors, 'error')}`
  return `export of ${PURPOSES[one.purpose]}${since}: ${formatQuantity(one.resources, 'resource')}${deletions} in ${formatQuantity(one.files, 'file')}, ${formatMegabytes(one.bytes)} MB, ${formatSeconds(one.milliseconds / 1000)}${verdict}${reported}`
}

function errorsOf({ outcomes = [] }: SyncExport): number {
  return outcomes
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .reduce((total, { count }) => total + count, 0)
}

const PURPOSES: Readonly<Record<SyncExport['purpose'], string>> = {
  roster: 'the roster',
  all: 'everything',
  changes: 'the changes',
  history: "joiners' history",
}

function rosterLines({ landing }: SyncReport): readonly string[] {
  if (landing === undefined) return []
  const { roster, merged } = landing
  const mergedText = merged === 0 ? '' : `${formatQuantity(merged, 'patient')} merged into another`
  if (roster === undefined) return mergedText === '' ? [] : [`  ${mergedText}`]
  const { members, membersBefore, joiners, leavers } = roster
  const line = `roster: ${formatCount(membersBefore)} → ${formatQuantity(members, 'member')}; ${formatCount(joiners)} joined, ${formatCount(leavers)} left`
  return [`  ${line}${mergedText === '' ? '' : `; ${mergedText}`}`]
}

function tableLines({ landing }: SyncReport, style: Style): readonly string[] {
  const types = landing?.types ?? []
  const moved = types.filter(isMoved)
  if (moved.length === 0) return []
  const rows = moved.map((type) => [
    type.type,
    formatCount(type.before),
    formatCount(type.received),
    formatCount(type.inserted),
    formatCount(type.updated),
    formatCount(deletedOf(type)),
    formatCount(type.left),
    formatCount(type.before + type.inserted - deletedOf(type) - type.left),
  ])
  const table = formatTable(COLUMNS, rows, (padded, row) =>
    row === -1 ? style.dim(padded) : padded,
  )
  const still = types.length - moved.length
  const rest =
    still === 0 ? [] : [style.dim(`${formatQuantity(still, 'other type')} without changes`)]
  return ['', ...[...table, ...rest].map((line) => `  ${line}`), '']
}

function isMoved(type: LandedType): boolean {
  return type.received + type.inserted + type.updated + deletedOf(type) + type.left > 0
}

function driftLines({ landing }: SyncReport): readonly string[] {
  const compared = (landing?.types ?? []).flatMap(({ type, drift }) =>
    drift === undefined ? [] : [{ type, ...drift }],
  )
  if (compared.length === 0) return []
  const drifted = compared.filter((one) => driftOf(one) > 0)
  if (drifted.length === 0) {
    return [`  reconciled: no drift in ${formatQuantity(compared.length, 'type')}`]
  }
  return [
    '  reconciled, drift found and put right:',
    ...drifted.map(
      ({ type, missing, outdated, extra }) =>
        `    ${type}: ${formatCount(missing)} missing, ${formatCount(outdated)} outdated, ${formatCount(extra)} extra`,
    ),
  ]
}

/** A run as a line of the history. */
export function historyCells(report: SyncReport): readonly string[] {
  const { inserted, updated, deleted, left, drift } = landedSums(report)
  const moved = report.result === 'committed' ? [inserted, updated, deleted, left] : []
  const isCompared = (report.landing?.types ?? []).some((type) => type.drift !== undefined)
  return [
    report.finishedAt,
    report.cohort,
    report.kind,
    report.result === 'committed' ? 'committed' : codesOf(report).join(' '),
    ...[0, 1, 2, 3].map((index) => formatOptional(moved[index])),
    isCompared ? formatCount(drift) : '',
    (report.timings.totalMs / 1000).toFixed(2),
  ]
}

function formatOptional(count: number | undefined): string {
  return count === undefined ? '' : formatCount(count)
}
