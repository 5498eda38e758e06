import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { readExportedFolder } from '@flatfhir/client'
import { writeParquetDataset, type ParquetManifest } from '@flatfhir/sink-duckdb'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../../output/format-number.ts'
import { formatTable, type TableColumn } from '../../output/format-table.ts'
import type { CommandContext } from '../command.ts'
import { warnAboutFolder } from './warn-about-folder.ts'

const COLUMNS: readonly TableColumn[] = [
  { heading: 'type', align: 'left' },
  { heading: 'resources', align: 'right' },
  { heading: 'files', align: 'right' },
  { heading: 'MB', align: 'right' },
]

/** A folder that becomes a dataset, without a database in between. */
export interface DatasetOptions {
  readonly directory: string
  readonly parquet: string
  readonly acceptIncomplete: boolean
}

/**
 * Writes a dataset that holds exactly what a folder holds. @returns the exit code.
 *
 * @throws `UsageError` where that would lose something: for an export of changes, and for a dataset
 *   that follows a warehouse.
 */
export async function writeDataset(
  { directory, parquet, acceptIncomplete }: DatasetOptions,
  context: CommandContext,
): Promise<number> {
  const begunAt = performance.now()
  const folder = await readExportedFolder({ directory, acceptIncomplete })
  if (folder.since !== undefined || folder.deleted.length > 0) {
    throw new UsageError(
      `${directory} holds only what changed, which is no dataset`,
      'Land it in a database, and write the dataset from that: add --duckdb FILE.',
    )
  }
  await refuseWarehouse(parquet)
  const { source, cohort } = folder.cohort
  const manifest = await writeParquetDataset(folder.output, {
    directory: parquet,
    source,
    cohort,
    run: folder.receipt?.exportId ?? randomUUID(),
  })
  context.progress.clear()
  const verified = folder.receipt !== undefined
  warnAboutFolder({ verified, skipped: folder.skipped }, directory, context)
  const seconds = (performance.now() - begunAt) / 1000
  if (context.options.json) context.print(JSON.stringify({ verified, manifest, seconds }))
  else tell(manifest, { seconds, files: folder.output.length, parquet }, context)
  return EXIT_COMPLETE
}

async function refuseWarehouse(parquet: string): Promise<void> {
  const isThere = await access(join(parquet, '_flatfhir')).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  throw new UsageError(
    `${parquet} follows a source by flatfhir sync`,
    'Name another directory, or let flatfhir sync run bring it in step.',
  )
}

function tell(
  { partitions }: ParquetManifest,
  {
    seconds,
    files,
    parquet,
  }: { readonly seconds: number; readonly files: number; readonly parquet: string },
  context: CommandContext,
): void {
  const { style } = context
  const rows = partitions.map(({ type, rows: resources, files: written }) => [
    type,
    formatCount(resources),
    formatCount(written.length),
    formatMegabytes(written.reduce((total, { bytes }) => total + bytes, 0)),
  ])
  const table = formatTable(COLUMNS, rows, (padded, row) =>
    row === -1 ? style.dim(padded) : padded,
  )
  for (const line of rows.length === 0 ? [] : table) context.print(line)
  const resources = partitions.reduce((total, partition) => total + partition.rows, 0)
  const speed = formatCount(resources / Math.max(0.001, seconds))
  context.print(
    `${style.bold(style.green('written'))}: ${formatQuantity(resources, 'resource')} of ${formatQuantity(files, 'file')} in ${formatSeconds(seconds)}, ${speed}/s, into ${parquet}`,
  )
}
