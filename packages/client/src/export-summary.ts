import type { DownloadResult } from './download/download-file.ts'
import type { ExportReport, ExportVerdict, OutcomeCount } from './export-report.ts'

/** The figures of a report that follow from its files. */
export type ExportSummary = Pick<
  ExportReport,
  'verdict' | 'files' | 'outcomes' | 'resources' | 'deletions' | 'bytes' | 'transferredBytes'
>

function isOnDisk({ file }: DownloadResult): boolean {
  return file.state === 'complete' || file.state === 'partial'
}

/** Adds up what became of the files. */
export function summarize(results: readonly DownloadResult[]): ExportSummary {
  const complete = results.filter(({ file }) => file.state === 'complete')
  const output = results.filter(isOnDisk).filter(({ file }) => file.kind === 'output')
  return {
    verdict: verdictOf(results),
    files: results.map(({ file }) => file),
    outcomes: outcomesOf(complete),
    resources: sum(output, ({ file }) => file.received.count),
    deletions: sum(complete, ({ lines }) => lines?.deletions),
    bytes: sum(complete, ({ file }) => file.received.bytes),
    transferredBytes: sum(results, ({ file }) => file.transferredBytes),
  }
}

function verdictOf(results: readonly DownloadResult[]): ExportVerdict {
  if (results.every(({ file }) => file.state === 'complete')) return 'complete'
  const hasSome = results.some(({ file }) => file.state === 'complete' || file.state === 'partial')
  return hasSome ? 'incomplete' : 'failed'
}

function sum(
  results: readonly DownloadResult[],
  figure: (result: DownloadResult) => number | undefined,
): number {
  return results.reduce((total, result) => total + (figure(result) ?? 0), 0)
}

function outcomesOf(complete: readonly DownloadResult[]): readonly OutcomeCount[] {
  const counts = new Map<string, number>()
  for (const { lines } of complete) {
    for (const [key, count] of Object.entries(lines?.outcomes ?? {})) {
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, count]) => {
      const [severity = 'unknown', code = 'unknown'] = key.split(' ')
      return { severity, code, count }
    })
}
