import { importResources, type ImportProblem, type ImportSummary } from '@flatfhir/store-sqlite'
import { EXIT_COMPLETE, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../../output/format-number.ts'
import { importProgress } from '../../output/import-progress.ts'
import type { CommandContext } from '../command.ts'
import type { ImportOptions } from './command.ts'

/** Runs `flatfhir import`. @returns the exit code. */
export async function runImport(options: ImportOptions, context: CommandContext): Promise<number> {
  const summary = await importResources({
    directory: options.data,
    paths: options.paths,
    signal: context.io.signal,
    onProgress: importProgress(context.progress),
    onProblem: (problem) => {
      context.warn(problemLine(problem))
    },
  })
  context.print(context.options.json ? JSON.stringify(summary) : summaryLine(summary, options.data))
  return summary.problems === 0 ? EXIT_COMPLETE : EXIT_INCOMPLETE
}

/** Where the problem is and what it is; never what the line holds. */
function problemLine({ path, line, entry, message }: ImportProblem): string {
  const place = [path, line, entry === undefined ? undefined : `entry ${entry}`]
  return `${place.filter((part) => part !== undefined).join(':')}: ${message}`
}

function summaryLine(summary: ImportSummary, directory: string): string {
  const { seconds } = summary
  const speed = seconds > 0 ? ` (${formatCount(summary.resources / seconds)} resources/s)` : ''
  const deleted = summary.deleted === 0 ? '' : `, ${formatCount(summary.deleted)} deleted`
  const problems =
    summary.problems === 0 ? '' : `; ${formatQuantity(summary.problems, 'problem')}, see above`
  return `${formatQuantity(summary.resources, 'resource')} of ${formatQuantity(summary.files, 'file')}, ${formatMegabytes(summary.bytes)} MB, in ${formatSeconds(seconds)}${speed}, into ${directory}: ${formatCount(summary.created)} created, ${formatCount(summary.updated)} updated, ${formatCount(summary.unchanged)} unchanged${deleted}${problems}`
}
