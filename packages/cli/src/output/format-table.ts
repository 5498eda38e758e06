/** One column of a table of text. */
export interface TableColumn {
  readonly heading: string
  readonly align: 'left' | 'right'
}

/** Gives a cell its colour after it was padded, so that widths are of what is seen. */
export type CellStyle = (padded: string, row: number, column: number) => string

/**
 * Lines of a table with a heading and a rule under it; columns are as wide as their widest cell.
 *
 * @param styleCell - Row -1 is the heading.
 */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  styleCell: CellStyle = (padded) => padded,
): readonly string[] {
  const headings = columns.map((column) => column.heading)
  const widths = columns.map((_, index) =>
    Math.max(...[headings, ...rows].map((row) => (row[index] ?? '').length)),
  )
  const line = (cells: readonly string[], row: number): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index] ?? 0
        const padded = column.align === 'right' ? cell.padStart(width) : cell.padEnd(width)
        return styleCell(padded, row, index)
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [line(headings, -1), rule, ...rows.map((row, index) => line(row, index))]
}
