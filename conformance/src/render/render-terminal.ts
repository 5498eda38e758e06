import type { CheckOutcome, CheckReport, CheckResult, Finding } from '../checker/check-report.ts'
import { printable } from '../checker/printable.ts'
import { wrap } from './wrap.ts'

/** How a report is shown in a terminal. */
export interface RenderTerminalOptions {
  /**
   * Columns.
   *
   * @defaultValue 80
   */
  readonly width?: number
  /**
   * Colours a text; called with the outcome that it stands for.
   *
   * @defaultValue none
   */
  readonly color?: (outcome: CheckOutcome, text: string) => string
  /**
   * Shows the requirements that hold as well.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean
}

const MARKS: Readonly<Record<CheckOutcome, string>> = {
  pass: '✓ pass',
  fail: '✗ FAIL',
  warning: '! warn',
  skipped: '- skip',
}
const INDENT = 7
const MAX_TEXT = 1000

/** The report for people, in lines of a terminal's width. */
export function renderTerminal(
  report: CheckReport,
  { width = 80, color = (_, text) => text, verbose = false }: RenderTerminalOptions = {},
): string {
  const page = { width: Math.max(width, 40), color, verbose }
  const software = report.software === undefined ? '' : ` (${printable(report.software)})`
  const lines = [
    ...wrap(`Bulk Data check of ${printable(report.url, 500)}${software}`, page.width),
    '',
    ...report.checks.flatMap((result) => resultLines(result, page)),
    '',
    ...wrap(summaryOf(report), page.width),
  ]
  return `${lines.join('\n')}\n`
}

type Page = Required<RenderTerminalOptions>

function resultLines(result: CheckResult, page: Page): readonly string[] {
  const { outcome, title, check, reason } = result
  const [first = '', ...rest] = shown(`${title} (${check})`, page.width - INDENT)
  const head = `${page.color(outcome, MARKS[outcome])} ${first}`
  const visible = result.findings.filter((finding) => page.verbose || finding.outcome !== 'pass')
  const detail = [
    ...(reason === undefined ? [] : [reason]),
    ...visible.flatMap(findingTexts),
    ...result.notes.map((note) => `note: ${note}`),
  ]
  const indented = [...rest, ...detail.flatMap((text) => shown(text, page.width - INDENT))]
  return [head, ...indented.map((line) => ' '.repeat(INDENT) + line)]
}

/** Also a report that was read from a file must not control the terminal. */
function shown(text: string, width: number): readonly string[] {
  return wrap(printable(text, MAX_TEXT), width)
}

function findingTexts(finding: Finding): readonly string[] {
  const { requirement, strength, behavior, seen, source, outcome } = finding
  const text = [`${requirement} ${strength}: ${behavior}`, `seen: ${seen}`]
  return outcome === 'pass' ? text : [...text, `see ${source}`]
}

function summaryOf({ counts, verdict, effort, checks }: CheckReport): string {
  const parts = [
    `${counts.pass} passed`,
    `${counts.fail} failed`,
    `${counts.warning} with warnings`,
    `${counts.skipped} skipped`,
  ]
  const left =
    effort.leftBehind === 0
      ? ''
      : ` ${effort.leftBehind} exports could not be deleted at the server.`
  const stopped = verdict === 'stopped' ? ' The run was stopped before its end.' : ''
  const requests = `${effort.requests} requests, ${effort.kickOffs} kick-offs.`
  return `${checks.length} checks: ${parts.join(', ')}. ${requests}${left}${stopped}`
}
