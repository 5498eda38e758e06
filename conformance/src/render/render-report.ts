import type { CheckReport } from '../checker/check-report.ts'
import { renderHtml } from './render-html.ts'
import { renderJson } from './render-json.ts'
import { renderJunit } from './render-junit.ts'
import { renderTerminal, type RenderTerminalOptions } from './render-terminal.ts'

/** The forms that a report can have. */
export const CHECK_FORMATS = ['text', 'json', 'junit', 'html'] as const

/** One of {@link CHECK_FORMATS}. */
export type CheckFormat = (typeof CHECK_FORMATS)[number]

/** The report in one of its forms, with a line feed at its end. */
export function renderReport(
  report: CheckReport,
  format: CheckFormat,
  options: RenderTerminalOptions = {},
): string {
  switch (format) {
    case 'text':
      return renderTerminal(report, options)
    case 'json':
      return renderJson(report)
    case 'junit':
      return renderJunit(report)
    case 'html':
      return renderHtml(report)
  }
}
