import { writePopulation } from '@flatfhir/synth'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../../output/format-number.ts'
import { formatTable } from '../../output/format-table.ts'
import { synthProgress } from '../../output/synth-progress.ts'
import type { CommandContext } from '../command.ts'
import type { SynthOptions } from './command.ts'

/** Runs `flatfhir synth`. @returns the exit code. */
export async function runSynth(options: SynthOptions, context: CommandContext): Promise<number> {
  const startedAt = performance.now()
  const summary = await writePopulation({
    patients: options.patients,
    directory: options.out,
    overwrite: options.overwrite,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    signal: context.io.signal,
    onProgress: synthProgress(context.progress, options.patients),
  })
  const seconds = (performance.now() - startedAt) / 1000
  if (context.options.json) {
    context.print(JSON.stringify({ ...summary, seconds }))
    return EXIT_COMPLETE
  }
  const table = formatTable(
    [
      { heading: 'type', align: 'left' },
      { heading: 'resources', align: 'right' },
      { heading: 'MB', align: 'right' },
    ],
    summary.files.map((file) => [
      file.type,
      formatCount(file.resourceCount),
      formatMegabytes(file.bytes),
    ]),
    (padded, row) => (row === -1 ? context.style.dim(padded) : padded),
  )
  for (const line of table) context.print(line)
  context.print(
    `${formatQuantity(summary.resourceCount, 'resource')} of ${formatQuantity(options.patients, 'patient')}, ${formatMegabytes(summary.bytes)} MB, in ${formatSeconds(seconds)}, in ${options.out}`,
  )
  return EXIT_COMPLETE
}
