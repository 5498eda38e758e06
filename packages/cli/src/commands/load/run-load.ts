import { loadExport, type LoadResult } from '@flatfhir/client'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { formatCount, formatQuantity, formatSeconds } from '../../output/format-number.ts'
import { formatTable, type TableColumn } from '../../output/format-table.ts'
import type { CommandContext } from '../command.ts'
import { openSink, warehousePath } from '../sync/open-sink.ts'
import type { LoadOptions } from './command.ts'
import { warnAboutFolder } from './warn-about-folder.ts'
import { writeDataset } from './write-dataset.ts'

const COLUMNS: readonly TableColumn[] = [
  { heading: 'type', align: 'left' },
  { heading: 'received', align: 'right' },
  { heading: 'inserted', align: 'right' },
  { heading: 'updated', align: 'right' },
  { heading: 'unchanged', align: 'right' },
  { heading: 'deleted', align: 'right' },
]

/** Runs `flatfhir load`. @returns the exit code. */
export async function runLoad(options: LoadOptions, context: CommandContext): Promise<number> {
  const { dir: directory, duckdb, parquet, acceptIncomplete } = options
  if (duckdb === undefined && parquet === undefined) {
    throw new UsageError('Where to land is missing', 'Give --duckdb FILE, --parquet DIR, or both.')
  }
  const begunAt = performance.now()
  context.progress.update({ text: `loading ${directory}`, event: 'load' })
  if (duckdb === undefined && parquet !== undefined) {
    return writeDataset({ directory, parquet, acceptIncomplete }, context)
  }
  const result = await loadExport({
    directory,
    sink: openSink({ duckdb, parquet }),
    acceptIncomplete,
  })
  context.progress.clear()
  warnAbout(result, directory, context)
  const seconds = (performance.now() - begunAt) / 1000
  if (context.options.json) context.print(JSON.stringify({ ...result, seconds }))
  else tellLoad(result, { seconds, where: whereText(options) }, context)
  return EXIT_COMPLETE
}

function warnAbout(
  { verified, report, skipped }: LoadResult,
  directory: string,
  context: CommandContext,
): void {
  warnAboutFolder({ verified, skipped }, directory, context)
  for (const { message } of report.alarms) context.warn(`warning: ${message}`)
}

function tellLoad(
  { report, files }: LoadResult,
  { seconds, where }: { readonly seconds: number; readonly where: string },
  context: CommandContext,
): void {
  const { style } = context
  const types = report.landing?.types.filter(({ received, deletedTold }) => {
    return received + deletedTold > 0
  })
  const rows = (types ?? []).map((type) => [
    type.type,
    formatCount(type.received),
    formatCount(type.inserted),
    formatCount(type.updated),
    formatCount(type.unchanged),
    formatCount(type.deletedTold),
  ])
  const table = formatTable(COLUMNS, rows, (padded, row) =>
    row === -1 ? style.dim(padded) : padded,
  )
  for (const line of rows.length === 0 ? [] : table) context.print(line)
  const received = (types ?? []).reduce((total, type) => total + type.received, 0)
  const speed = formatCount(received / Math.max(0.001, seconds))
  context.print(
    `${style.bold(style.green('loaded'))}: ${formatQuantity(received, 'resource')} of ${formatQuantity(files, 'file')} in ${formatSeconds(seconds)}, ${speed}/s, into ${where}`,
  )
}

function whereText({ duckdb, parquet }: LoadOptions): string {
  return [warehousePath({ duckdb, parquet }), parquet].filter(Boolean).join(' and ')
}
