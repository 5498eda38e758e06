// Rows of resources a second, and how the cost of one grows with the population.

const IMPORT_GOAL = 50_000
const EXPORT_GOALS = { none: 500_000, gzip: 400_000 }
const GROWTH_GOAL = 1.3
const EXPORT_NAMES = { none: 'plain', gzip: 'gzip', encrypted: 'encrypted' }

const IMPORT_NOTE =
  'Limit: JSON.parse of every line on one thread, SQLite insert of the bare bytes on another, with the same settings of the database.'
const EXPORT_NOTES = {
  none: 'Limit: the same bytes read from one file, SHA-256, written to another file and flushed; no database; one thread a core.',
  gzip: 'Limit: the same bytes read from one file, SHA-256, zlib level 1, SHA-256 of that, written and flushed; no database; one thread a core.',
  encrypted:
    'Plain files encrypted at rest (AES-256-GCM). Limit: that of plain files, without encryption.',
}
const GROWTH_NOTE =
  'Cost of one resource at the largest size; the ratio is to the cheapest smaller size, so that what a job costs whatever its size cannot hide growth.'

/** @typedef {import('../report.mjs').Row} Row */

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export async function importRows(bench) {
  const rows = []
  for (const size of bench.sizes) {
    const compared = await bench.importing(size)
    const name = `import NDJSON, ${compared.dataset.label}`
    rows.push(
      throughputRow(compared, {
        bench,
        group: 'import',
        name,
        goal: IMPORT_GOAL,
        note: IMPORT_NOTE,
      }),
    )
  }
  return rows
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export const plainExportRows = (bench) => exportRows(bench, 'none')

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export const gzipExportRows = (bench) => exportRows(bench, 'gzip')

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export const encryptedExportRows = (bench) => exportRows(bench, 'encrypted')

async function exportRows(bench, storage) {
  const rows = []
  const kind = EXPORT_NAMES[storage]
  for (const size of bench.sizes) {
    const compared = await bench.exporting(size, storage)
    rows.push(
      throughputRow(compared, {
        bench,
        group: `export-${kind}`,
        name: `system export ${kind}, ${compared.dataset.label}`,
        goal: EXPORT_GOALS[storage],
        note: EXPORT_NOTES[storage],
      }),
    )
  }
  return rows
}

function throughputRow({ dataset, ours, limit }, { bench, group, name, goal, note }) {
  const perSecond = (seconds) => dataset.resources / seconds
  const value = perSecond(ours.median)
  const judged = bench.goalsApply(dataset)
  return {
    group,
    name,
    unit: 'resources/s',
    value,
    low: perSecond(ours.high),
    high: perSecond(ours.low),
    megabytesPerSecond: dataset.bytes / ours.median / 1e6,
    limit: perSecond(limit.median),
    ratio: limit.median / ours.median,
    ...(judged &&
      goal !== undefined && { goal: `≥ ${goal.toLocaleString('en-US')}`, met: value >= goal }),
    note,
  }
}

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly Row[]>} */
export async function growthRows(bench) {
  if (bench.sizes.length < 2) return []
  const measures = [
    ['import', (size) => bench.importing(size)],
    ['system export plain', (size) => bench.exporting(size, 'none')],
    ['system export gzip', (size) => bench.exporting(size, 'gzip')],
  ]
  const rows = []
  for (const [name, measure] of measures) {
    const bySize = []
    for (const size of bench.sizes) bySize.push(await measure(size))
    rows.push(growthRow(name, bySize))
  }
  return rows
}

function growthRow(name, bySize) {
  const smaller = bySize.slice(0, -1)
  const largest = bySize.at(-1)
  const value = microseconds(largest)
  const ratio = value / Math.min(...smaller.map(microseconds))
  return {
    group: 'growth',
    name: `${name}, growth up to ${largest.dataset.label}`,
    unit: 'µs/resource',
    value,
    ratio,
    ratioMeans: 'times',
    goal: `≤ ${GROWTH_GOAL} ×`,
    met: ratio <= GROWTH_GOAL,
    note: GROWTH_NOTE,
  }
}

function microseconds({ dataset, ours }) {
  return (ours.median / dataset.resources) * 1e6
}
