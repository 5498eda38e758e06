// Measures the rows that were asked for, and prints them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Bench } from './bench.mjs'
import { describeMachine, formatMachine } from './machine.mjs'
import { parseOptions, ROW_GROUPS, USAGE, UsageError } from './options.mjs'
import { formatReport, formatRowBriefly } from './report.mjs'
import { downloadRows, smallDownloadRows } from './rows/download.mjs'
import { groupRows } from './rows/group.mjs'
import { incrementalRows } from './rows/incremental.mjs'
import { kickOffRows } from './rows/kick-off.mjs'
import { landDuckDbRows, landParquetRows } from './rows/landing.mjs'
import { memoryRows } from './rows/memory.mjs'
import { elementsRows, partialManifestRows, typeFilterRows } from './rows/parameters.mjs'
import { rosterRows } from './rows/roster.mjs'
import { servedRows } from './rows/served.mjs'
import {
  encryptedExportRows,
  gzipExportRows,
  growthRows,
  importRows,
  plainExportRows,
} from './rows/throughput.mjs'

const README = new URL('./README.md', import.meta.url)
/** What is between the marks is replaced. */
const MEASURED = /(?<=<!-- measured -->\n).*(?=<!-- end of measured -->)/s

/** How each group of rows is measured; see `ROW_GROUPS`. */
const MEASURES = {
  import: importRows,
  'export-plain': plainExportRows,
  'export-gzip': gzipExportRows,
  'export-encrypted': encryptedExportRows,
  growth: growthRows,
  group: groupRows,
  'type-filter': typeFilterRows,
  elements: elementsRows,
  'partial-manifest': partialManifestRows,
  roster: rosterRows,
  'kick-off': kickOffRows,
  memory: memoryRows,
  served: servedRows,
  download: downloadRows,
  'download-small': smallDownloadRows,
  'land-duckdb': landDuckDbRows,
  'land-parquet': landParquetRows,
  incremental: incrementalRows,
}

/** @param {readonly string[]} argv Arguments after the script's name. */
export async function runBenchmarks(argv) {
  try {
    const options = parseOptions(argv)
    if (options.help) console.log(USAGE)
    else await measure(options)
  } catch (error) {
    console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

async function measure(options) {
  const parent = options.work ?? tmpdir()
  await mkdir(parent, { recursive: true })
  const work = await mkdtemp(join(parent, 'flatfhir-bench-'))
  const removeAndExit = () => {
    void rm(work, { recursive: true, force: true }).finally(() => process.exit(130))
  }
  process.once('SIGINT', removeAndExit).once('SIGTERM', removeAndExit)
  const bench = new Bench({ options, work, log: (line) => process.stderr.write(`… ${line}\n`) })
  try {
    const machine = await describeMachine(work)
    const rows = await measureRows(bench)
    const report = `${formatMachine(machine)}\n\n${formatReport(rows)}`
    console.log(report)
    if (options.readme) await writeIntoReadme(report)
    if (options.json !== undefined) await writeJson(options.json, { machine, options, rows })
  } finally {
    await bench.close()
    await rm(work, { recursive: true, force: true })
    process.off('SIGINT', removeAndExit).off('SIGTERM', removeAndExit)
  }
}

async function measureRows(bench) {
  const rows = []
  for (const group of ROW_GROUPS) {
    if (!bench.options.only.has(group)) continue
    const measured = await MEASURES[group](bench)
    for (const row of measured) bench.log(`  ${formatRowBriefly(row)}`)
    rows.push(...measured)
  }
  return rows
}

async function writeJson(path, { machine, options, rows }) {
  const { sizes, sample, runs } = options
  const result = { machine, options: { sizes, isSample: sample !== undefined, runs }, rows }
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`)
}

async function writeIntoReadme(report) {
  const text = await readFile(README, 'utf8')
  await writeFile(
    README,
    text.replace(MEASURED, () => `\n${report}\n\n`),
  )
}
