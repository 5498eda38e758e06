import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../../output/format-number.ts'
import { formatTable, type TableColumn } from '../../output/format-table.ts'
import type { Style } from '../../output/style.ts'
import type { DemoChanges } from './demo-changes.ts'
import type { DemoDelta } from './demo-delta.ts'
import type { DemoExport } from './demo-exports.ts'
import type { DemoSyncRun } from './demo-sync.ts'

const COLUMNS: readonly TableColumn[] = [
  { heading: 'level', align: 'left' },
  { heading: 'types', align: 'right' },
  { heading: 'resources', align: 'right' },
  { heading: 'MB', align: 'right' },
  { heading: 'seconds', align: 'right' },
  { heading: 'resources/s', align: 'right' },
  { heading: 'verified', align: 'left' },
]

/** The table of the full exports. */
export function exportsTable(exports: readonly DemoExport[], style: Style): readonly string[] {
  const rows = exports.map(({ name, report }) => [
    name,
    formatCount(typesOf(report.files)),
    formatCount(report.resources),
    formatMegabytes(report.bytes),
    (report.timings.totalMs / 1000).toFixed(2),
    formatCount(report.resources / Math.max(0.001, report.timings.totalMs / 1000)),
    report.verdict === 'complete' ? 'every line, count, size and SHA-256' : report.verdict,
  ])
  return formatTable(COLUMNS, rows, (padded, row, column) => {
    if (row === -1) return style.dim(padded)
    return column === COLUMNS.length - 1 ? style.green(padded) : padded
  })
}

const STEP_NAME_WIDTH = 10
const STEP_TEXT_WIDTH = 76

/** `  import      67,528 resources …     4.12 s`: one step, and how long it took. */
export function stepLine(name: string, what: string, seconds?: number): string {
  const took = seconds === undefined ? '' : formatSeconds(seconds).padStart(8)
  return `  ${name.padEnd(STEP_NAME_WIDTH)}  ${what.padEnd(STEP_TEXT_WIDTH)}${took}`.trimEnd()
}

/** What was changed. */
export function changesText({ updated, deleted }: DemoChanges): string {
  return `${formatCount(updated.size)} updated (${byType(updated.keys())}), ${formatCount(deleted.size)} deleted (${byType(deleted)})`
}

/** What the delta holds. */
export function deltaText({ resources, deleted }: DemoDelta, since: Date): string {
  return `${formatQuantity(resources.size, 'resource')}, ${formatQuantity(deleted.size, 'deletion')} with _since=${since.toISOString()}`
}

/** What the first run landed. */
export function firstSyncText({ report, sums }: DemoSyncRun): string {
  const members = report.landing?.roster?.members ?? 0
  return `${formatQuantity(sums.inserted, 'resource')} of ${formatQuantity(members, 'patient')} into DuckDB, as of ${report.transactionTime ?? ''}`
}

/** What the second run changed. */
export function nextSyncText({ report, sums }: DemoSyncRun): string {
  const { joiners, leavers } = report.landing?.roster ?? { joiners: 0, leavers: 0 }
  return `${formatCount(joiners)} joined (${formatCount(sums.inserted)} rows), ${formatCount(leavers)} left (${formatCount(sums.left)} rows), ${formatCount(sums.updated)} updated, ${formatCount(sums.deleted)} deleted`
}

/** What comparing everything has shown. */
export function reconcileText({ sums }: DemoSyncRun): string {
  const rest =
    sums.deleted === 0
      ? 'no drift'
      : `${formatCount(sums.deleted)} rows that only the leaver's named go`
  return `everything exported and compared: ${rest}`
}

/** `5 Observation, 3 Patient`. */
function byType(names: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const name of names) {
    const type = name.slice(0, name.indexOf('/'))
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  const parts = [...counts].sort().map(([type, count]) => `${formatCount(count)} ${type}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function typesOf(files: DemoExport['report']['files']): number {
  return new Set(files.filter((file) => file.kind === 'output').map((file) => file.type)).size
}
