import { cellJson, type QueryCell } from './query-cell.ts'
import type { QueryColumn, QueryResult } from './query-result.ts'

/**
 * - `table`: for people. Widths follow the first rows; long texts are cut.
 * - `csv`: RFC 4180 with a header; NULL is nothing between the commas, an empty text is `""`.
 * - `json`: one array of objects.
 * - `ndjson`: one object on each line.
 */
export type QueryFormat = 'table' | 'csv' | 'json' | 'ndjson'

const FORMATS: Readonly<Record<QueryFormat, (result: QueryResult) => AsyncGenerator<string>>> = {
  table: formatTable,
  csv: formatCsv,
  json: formatJson,
  ndjson: formatNdjson,
}

/** The text of a result, in pieces, as the rows come. */
export function formatQuery(result: QueryResult, format: QueryFormat): AsyncGenerator<string> {
  return FORMATS[format](result)
}

async function* formatCsv({ columns, rows }: QueryResult): AsyncGenerator<string, void, void> {
  yield `${columns.map(({ name }) => csvText(name)).join(',')}\r\n`
  for await (const row of rows) yield `${row.map(csvCell).join(',')}\r\n`
}

function csvCell({ kind, text }: QueryCell): string {
  return kind === 'null' ? '' : csvText(text)
}

function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function* formatJson({ columns, rows }: QueryResult): AsyncGenerator<string, void, void> {
  let before = '[\n'
  for await (const row of rows) {
    yield `${before}${rowJson(columns, row)}`
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}

async function* formatNdjson({ columns, rows }: QueryResult): AsyncGenerator<string, void, void> {
  for await (const row of rows) yield `${rowJson(columns, row)}\n`
}

function rowJson(columns: readonly QueryColumn[], row: readonly QueryCell[]): string {
  const members = row.map(
    (cell, index) => `${JSON.stringify(columns[index]?.name ?? '')}:${cellJson(cell)}`,
  )
  return `{${members.join(',')}}`
}

const ROWS_FOR_WIDTHS = 200
const MAX_WIDTH = 60

async function* formatTable({ columns, rows }: QueryResult): AsyncGenerator<string, void, void> {
  const header = columns.map(({ name }) => shown(name))
  const first: (readonly QueryCell[])[] = []
  let widths: readonly number[] | undefined
  let count = 0
  for await (const row of rows) {
    count += 1
    if (widths !== undefined) {
      yield line(row, widths)
      continue
    }
    first.push(row)
    if (first.length < ROWS_FOR_WIDTHS) continue
    widths = widthsOf(header, first)
    yield head(header, widths) + first.map((early) => line(early, widths ?? [])).join('')
  }
  if (widths === undefined) {
    const all = widthsOf(header, first)
    yield head(header, all) + first.map((row) => line(row, all)).join('')
  }
  yield `(${count} ${count === 1 ? 'row' : 'rows'})\n`
}

function widthsOf(
  header: readonly string[],
  rows: readonly (readonly QueryCell[])[],
): readonly number[] {
  return header.map((name, index) =>
    rows.reduce((width, row) => Math.max(width, shownCell(row[index]).length), name.length),
  )
}

function head(header: readonly string[], widths: readonly number[]): string {
  const names = header.map((name, index) => name.padEnd(widths[index] ?? 0)).join('  ')
  return `${names.trimEnd()}\n${widths.map((width) => '-'.repeat(width)).join('  ')}\n`
}

function line(row: readonly QueryCell[], widths: readonly number[]): string {
  const cells = row.map((cell, index) => {
    const width = widths[index] ?? 0
    return cell.kind === 'number' ? shownCell(cell).padStart(width) : shownCell(cell).padEnd(width)
  })
  return `${cells.join('  ').trimEnd()}\n`
}

function shownCell(cell: QueryCell | undefined): string {
  return cell === undefined ? '' : shown(cell.text)
}

/** Control characters could move a terminal's cursor; a line is a row. */
function shown(text: string): string {
  const cut = text.length > MAX_WIDTH ? `${text.slice(0, MAX_WIDTH - 1)}…` : text
  return cut.replace(/\p{Cc}/gu, ' ')
}
