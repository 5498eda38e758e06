import type { ExportedFile, ExportProblem, ExportReport } from '@flatfhir/client'
import { formatCount, formatMegabytes, formatQuantity, formatSeconds } from './format-number.ts'
import { formatTable, type TableColumn } from './format-table.ts'
import { shownPath } from './shown-path.ts'
import type { Style } from './style.ts'

const COLUMNS: readonly TableColumn[] = [
  { heading: 'type', align: 'left' },
  { heading: 'files', align: 'right' },
  { heading: 'resources', align: 'right' },
  { heading: 'MB', align: 'right' },
  { heading: 'checked', align: 'left' },
]

interface TypeTotal {
  readonly name: string
  files: number
  complete: number
  resources: number
  bytes: number
}

/** Tells people, or with `--json` programs, what an export came to. */
export function tellExportReport(
  report: ExportReport,
  directory: string,
  context: ReportContext,
): void {
  const { style } = context
  for (const problem of report.problems) context.warn(problemLine(problem))
  if (context.options.json) {
    context.print(JSON.stringify({ directory, ...reportJson(report) }))
    return
  }
  for (const line of exportReportTable(report, style)) context.print(line)
  const outcomes = outcomesLine(report)
  if (outcomes !== undefined) context.print(outcomes)
  context.print(exportVerdictLine(report, shownPath(directory, context.io.cwd), style))
}

/** What {@link tellExportReport} needs of a command's context. */
export interface ReportContext {
  readonly io: { readonly cwd: string }
  readonly options: { readonly json: boolean }
  readonly style: Style
  print(line: string): void
  warn(line: string): void
}

/** A report without its receipt, which says the same and has its own file. */
export function reportJson(report: ExportReport): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(report).filter(([name]) => name !== 'receipt'))
}

/** The table of files per type, with a line of totals where there is more than one type. */
export function exportReportTable(report: ExportReport, style: Style): readonly string[] {
  const totals = totalsByType(report.files)
  if (totals.length === 0) return []
  const rows = (totals.length > 1 ? [...totals, sum(totals)] : totals).map((total) => [
    total.name,
    formatCount(total.files),
    formatCount(total.resources),
    formatMegabytes(total.bytes),
    total.complete === total.files ? 'yes' : `${total.complete} of ${total.files}`,
  ])
  return formatTable(COLUMNS, rows, (padded, row, column) => {
    if (row === -1) return style.dim(padded)
    if (column === 4) return padded.startsWith('yes') ? style.green(padded) : style.red(padded)
    return padded
  })
}

/** One line: the verdict, and what it is about. */
export function exportVerdictLine(report: ExportReport, directory: string, style: Style): string {
  const verdict = {
    complete: style.green('complete'),
    incomplete: style.yellow('incomplete'),
    failed: style.red('failed'),
  }[report.verdict]
  const deletions =
    report.deletions === 0 ? '' : ` and ${formatQuantity(report.deletions, 'deletion')}`
  const what = `${formatQuantity(report.resources, 'resource')}${deletions}, ${formatMegabytes(report.bytes)} MB`
  return `${style.bold(verdict)}: ${what} as of ${report.transactionTime.toISOString()}, in ${formatSeconds(report.timings.totalMs / 1000)}, in ${directory}`
}

/** What the provider said went wrong on its side, if it said anything. */
export function outcomesLine(report: ExportReport): string | undefined {
  if (report.outcomes.length === 0) return undefined
  const parts = report.outcomes.map(
    ({ severity, code, count }) => `${formatCount(count)} × ${severity} ${code}`,
  )
  return `the provider reports: ${parts.join(', ')} (see the files in error/)`
}

/** One line per problem. */
export function problemLine(problem: ExportProblem): string {
  const line = problem.lineNumber === undefined ? '' : `:${problem.lineNumber}`
  const place = problem.file === undefined ? '' : `${problem.file}${line}: `
  return `${problem.severity}: ${place}${problem.message} [${problem.code}]`
}

function totalsByType(files: readonly ExportedFile[]): readonly TypeTotal[] {
  const totals = new Map<string, TypeTotal>()
  for (const file of files) {
    const name = nameOf(file)
    const total = totals.get(name) ?? { name, files: 0, complete: 0, resources: 0, bytes: 0 }
    totals.set(name, total)
    total.files += 1
    total.resources += file.received.count ?? 0
    total.bytes += file.received.bytes ?? 0
    if (file.state === 'complete') total.complete += 1
  }
  return [...totals.values()]
}

/** What the provider wrote as a type is shown only as far as it looks like one. */
function nameOf({ kind, type }: ExportedFile): string {
  const shown = /^[A-Za-z]{1,64}$/.test(type) ? type : '(not a type)'
  return kind === 'output' ? shown : `${kind}/${shown}`
}

function sum(totals: readonly TypeTotal[]): TypeTotal {
  const all: TypeTotal = { name: 'all', files: 0, complete: 0, resources: 0, bytes: 0 }
  for (const total of totals) {
    all.files += total.files
    all.complete += total.complete
    all.resources += total.resources
    all.bytes += total.bytes
  }
  return all
}
