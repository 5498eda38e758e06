import type { CheckReport, CheckResult } from '../checker/check-report.ts'
import { escapeMarkup } from './escape.ts'

/**
 * The report as JUnit XML, for CI: a test case for each check. Warnings are no failures; they are
 * told in `system-out`.
 */
export function renderJunit(report: CheckReport): string {
  const { fail, skipped } = report.counts
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000
  const stopped = report.verdict === 'stopped' ? 1 : 0
  const attributes = [
    `name="flatfhir check ${escapeMarkup(report.url)}"`,
    `tests="${report.checks.length}"`,
    `failures="${fail}" errors="${stopped}" skipped="${skipped}"`,
    `time="${seconds.toFixed(3)}" timestamp="${escapeMarkup(report.startedAt.slice(0, 19))}"`,
  ]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite ${attributes.join(' ')}>`,
    ...report.checks.map(testCase),
    ...(stopped === 1 ? ['    <system-err>The run was stopped.</system-err>'] : []),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function testCase(result: CheckResult): string {
  const name = escapeMarkup(`${result.check}: ${result.title}`)
  const time = (result.durationMs / 1000).toFixed(3)
  return [
    `    <testcase classname="bulk-data" name="${name}" time="${time}">`,
    ...failureOf(result),
    ...skippedOf(result),
    ...outputOf(result),
    '    </testcase>',
  ].join('\n')
}

function failureOf({ outcome, findings }: CheckResult): readonly string[] {
  if (outcome !== 'fail') return []
  const failed = findings.filter((finding) => finding.outcome === 'fail')
  const ids = escapeMarkup(failed.map(({ requirement }) => requirement).join(' '))
  const text = failed.map(
    ({ requirement, strength, behavior, seen, source }) =>
      `${requirement} ${strength}: ${behavior}\n  seen: ${seen}\n  source: ${source}`,
  )
  return [`      <failure message="${ids}">${escapeMarkup(text.join('\n'))}</failure>`]
}

function skippedOf({ outcome, reason = '' }: CheckResult): readonly string[] {
  return outcome === 'skipped' ? [`      <skipped message="${escapeMarkup(reason)}"/>`] : []
}

function outputOf({ findings, notes }: CheckResult): readonly string[] {
  const warnings = findings
    .filter(({ outcome }) => outcome === 'warning')
    .map(({ requirement, behavior, seen }) => `warning ${requirement}: ${behavior} Seen: ${seen}`)
  const lines = [...warnings, ...notes]
  if (lines.length === 0) return []
  return [`      <system-out>${escapeMarkup(lines.join('\n'))}</system-out>`]
}
