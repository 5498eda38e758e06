import type { CheckReport } from '../checker/check-report.ts'

/** The report as JSON: {@link CheckReport}, field by field, with a line feed at its end. */
export function renderJson(report: CheckReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
