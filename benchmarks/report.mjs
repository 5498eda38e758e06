// Rows of the result, and how they are printed.

/**
 * @typedef {object} Row
 * @property {string} group One of `ROW_GROUPS`.
 * @property {string} name
 * @property {string} unit
 * @property {number} value Ours; the median where there were several runs.
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} [megabytesPerSecond] The same in bytes of NDJSON, where resources are counted.
 * @property {number} [limit] What the machine can do, in the same unit.
 * @property {number} [ratio]
 * @property {string} [ratioMeans] Unless it is our share of the limit.
 * @property {string} [goal]
 * @property {boolean} [met] Only where the goal applies to this row.
 * @property {string} [note] What the limit is, or what to know of the figure.
 */

const COLUMNS = ['what', 'flatfhir', 'spread', 'data', 'limit', 'ratio', 'goal', 'verdict', 'note']
const RIGHT = new Set(['flatfhir', 'spread', 'data', 'limit', 'ratio'])

/**
 * Notes stand under the table, once each, and rows point at them.
 *
 * @param {readonly Row[]} rows
 * @returns {string} Markdown
 */
export function formatReport(rows) {
  const notes = [...new Set(rows.flatMap(({ note }) => note ?? []))]
  const cells = rows.map((row) => rowCells(row, notes))
  const listed = notes.map((note, index) => `${index + 1}. ${note}`)
  return [formatTable(cells), '', ...listed].join('\n')
}

function rowCells(row, notes) {
  const { value, unit, low, high, megabytesPerSecond, limit, goal, met, note } = row
  return {
    what: row.name,
    flatfhir: `${formatValue(value)} ${unit}`,
    spread: low === undefined || low === high ? '' : `${formatValue(low)} – ${formatValue(high)}`,
    data: megabytesPerSecond === undefined ? '' : `${formatValue(megabytesPerSecond)} MB/s`,
    limit: limit === undefined ? '' : `${formatValue(limit)} ${unit}`,
    ratio: formatRatio(row),
    goal: goal ?? '',
    verdict: met === undefined ? '' : met ? 'met' : 'missed',
    note: note === undefined ? '' : String(notes.indexOf(note) + 1),
  }
}

function formatRatio({ ratio, ratioMeans }) {
  if (ratio === undefined) return ''
  return ratioMeans === 'times' ? `${ratio.toFixed(2)} ×` : `${Math.round(ratio * 100)} %`
}

function formatTable(rows) {
  const widths = COLUMNS.map((column) =>
    Math.max(column.length, 3, ...rows.map((row) => row[column].length)),
  )
  const line = (row) =>
    `| ${COLUMNS.map((column, at) => pad(row[column], column, widths[at])).join(' | ')} |`
  const headings = Object.fromEntries(COLUMNS.map((column) => [column, column]))
  const rule = COLUMNS.map((column, at) =>
    RIGHT.has(column) ? `${'-'.repeat(widths[at] - 1)}:` : '-'.repeat(widths[at]),
  )
  return [line(headings), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

function pad(text, column, width) {
  return RIGHT.has(column) ? text.padStart(width) : text.padEnd(width)
}

/** Three digits are what a noisy machine can tell. */
export function formatValue(value) {
  if (value >= 1000) {
    const unit = 10 ** (Math.floor(Math.log10(value)) - 2)
    return (Math.round(value / unit) * unit).toLocaleString('en-US')
  }
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** @param {Row} row */
export function formatRowBriefly(row) {
  const limit = row.limit === undefined ? '' : `, limit ${formatValue(row.limit)} ${row.unit}`
  const ratio = row.ratio === undefined ? '' : `, ${formatRatio(row)}`
  return `${row.name}: ${formatValue(row.value)} ${row.unit}${limit}${ratio}`
}
