import type { CheckOutcome, CheckReport, CheckResult, Finding } from '../checker/check-report.ts'
import { escapeMarkup } from './escape.ts'

const LABELS: Readonly<Record<CheckOutcome, string>> = {
  pass: 'Pass',
  fail: 'Fail',
  warning: 'Warning',
  skipped: 'Skipped',
}

// Colours are never the only sign: each outcome is also written out.
const STYLE = `
:root { color-scheme: light dark; --line: #8886; --pass: #1a7f37; --fail: #c0172d;
  --warning: #8a5a00; --skipped: #5a6270; }
@media (prefers-color-scheme: dark) { :root { --pass: #4ac26b; --fail: #ff7b86;
  --warning: #e0b04c; --skipped: #a0a8b4; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 0; display: inline; }
section { border-top: 1px solid var(--line); padding: .8rem 0; }
.outcome { font-weight: 600; display: inline-block; min-width: 5rem; }
.pass { color: var(--pass); } .fail { color: var(--fail); }
.warning { color: var(--warning); } .skipped { color: var(--skipped); }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; border-top: 1px solid var(--line); padding: .3rem .5rem; }
code, td { overflow-wrap: anywhere; } .summary td { width: 25%; }
@media print { body { max-width: none; } }
`

/**
 * The report as one HTML page that needs nothing else: no scripts, no fonts, no pictures, and a
 * policy that forbids them.
 */
export function renderHtml(report: CheckReport): string {
  const url = escapeMarkup(report.url)
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="referrer" content="no-referrer">',
    `<title>Bulk Data check of ${url}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    ...headOf(report, url),
    ...report.checks.flatMap(section),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function headOf(report: CheckReport, url: string): readonly string[] {
  const { software, counts, effort, verdict, startedAt, finishedAt } = report
  const outcomes = ['pass', 'fail', 'warning', 'skipped'] as const
  const left = effort.leftBehind === 0 ? '' : ` ${effort.leftBehind} exports were left behind.`
  return [
    `<h1>Bulk Data check of <code>${url}</code></h1>`,
    ...(software === undefined ? [] : [`<p>Software: ${escapeMarkup(software)}</p>`]),
    `<p>${escapeMarkup(startedAt)} to ${escapeMarkup(finishedAt)}; verdict: <strong>${verdict}</strong>. ` +
      `${effort.requests} requests, ${effort.kickOffs} kick-offs.${left}</p>`,
    '<table class="summary"><caption>Checks by outcome</caption>',
    `<thead><tr>${outcomes.map((each) => `<th scope="col">${LABELS[each]}</th>`).join('')}</tr></thead>`,
    `<tbody><tr>${outcomes.map((each) => `<td>${counts[each]}</td>`).join('')}</tr></tbody></table>`,
  ]
}

function section(result: CheckResult): readonly string[] {
  const { check, title, outcome, reason, findings, notes } = result
  return [
    `<section aria-labelledby="${check}">`,
    `<span class="outcome ${outcome}">${LABELS[outcome]}</span> <h2 id="${check}">${escapeMarkup(title)}</h2>`,
    ...(reason === undefined ? [] : [`<p>${escapeMarkup(reason)}</p>`]),
    ...(findings.length === 0 ? [] : table(findings)),
    ...notes.map((note) => `<p>Note: ${escapeMarkup(note)}</p>`),
    '</section>',
  ]
}

function table(findings: readonly Finding[]): readonly string[] {
  const columns = ['Outcome', 'Requirement', 'What is asked for', 'What was seen']
  return [
    '<table>',
    `<thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>`,
    '<tbody>',
    ...findings.map(row),
    '</tbody></table>',
  ]
}

function row({ outcome, requirement, strength, behavior, source, seen }: Finding): string {
  const cells = [
    `<span class="${outcome}">${LABELS[outcome]}</span>`,
    `<a href="${escapeMarkup(source)}" rel="noreferrer">${escapeMarkup(requirement)}</a>`,
    `<strong>${strength}</strong> ${escapeMarkup(behavior)}`,
    escapeMarkup(seen),
  ]
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}
