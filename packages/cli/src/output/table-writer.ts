import type { QueryCell, QueryColumn } from '@flatfhir/sink-duckdb'
import { shortened, shownWidth, withoutControls } from './shown-text.ts'
import type { Style } from './style.ts'

/** How a table is shown. */
export interface TableWriterOptions {
  /** Width of the terminal in characters; `undefined` shows every value whole. */
  readonly width: number | undefined
  readonly style: Style
}

const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*|BIGNUM)$/i
const GAP = '  '
/** The widths are those of so many rows; later rows that are wider stand out. */
const ROWS_TO_MEASURE = 1000
const NARROWEST = 4

/** A table for people: numbers to the right, as wide as the first rows need and the terminal has. */
export class TableWriter {
  readonly #columns: readonly QueryColumn[]
  readonly #options: TableWriterOptions
  readonly #isNumeric: readonly boolean[]
  #measured: string[][] = []
  #widths: readonly number[] | undefined

  constructor(columns: readonly QueryColumn[], options: TableWriterOptions) {
    this.#columns = columns
    this.#options = options
    this.#isNumeric = columns.map(({ type }) => NUMERIC.test(type))
  }

  /** @returns the text of these rows, as far as it can be told already. */
  rows(rows: readonly (readonly QueryCell[])[]): string {
    const shown = rows.map((row) => row.map(shownCell))
    if (this.#widths !== undefined) return this.#lines(shown, this.#widths)
    for (const row of shown) this.#measured.push(row)
    return this.#measured.length < ROWS_TO_MEASURE ? '' : this.#begin()
  }

  /** @returns the rest. */
  end(): string {
    return this.#widths === undefined ? this.#begin() : ''
  }

  #begin(): string {
    const headings = this.#columns.map(({ name }) => withoutControls(name))
    const rows = this.#measured
    this.#measured = []
    const wanted = headings.map((heading, column) =>
      rows.reduce(
        (widest, row) => Math.max(widest, shownWidth(row[column] ?? '')),
        shownWidth(heading),
      ),
    )
    const widths = fitted(wanted, this.#options.width)
    this.#widths = widths
    const { style } = this.#options
    const rule = widths.map((width) => '─'.repeat(width)).join(GAP)
    return `${style.dim(this.#line(headings, widths))}\n${rule}\n${this.#lines(rows, widths)}`
  }

  #lines(rows: readonly (readonly string[])[], widths: readonly number[]): string {
    return rows.map((row) => `${this.#line(row, widths)}\n`).join('')
  }

  #line(cells: readonly string[], widths: readonly number[]): string {
    const isWhole = this.#options.width === undefined
    return widths
      .map((width, column) => {
        const cell = cells[column] ?? ''
        const text = isWhole ? cell : shortened(cell, width)
        const padding = ' '.repeat(Math.max(0, width - shownWidth(text)))
        return this.#isNumeric[column] === true ? padding + text : text + padding
      })
      .join(GAP)
      .trimEnd()
  }
}

function shownCell({ kind, text }: QueryCell): string {
  return kind === 'null' ? 'NULL' : withoutControls(text)
}

/** Takes from the widest columns until the line fits. */
function fitted(wanted: readonly number[], width: number | undefined): readonly number[] {
  if (width === undefined) return wanted
  const available = width - GAP.length * (wanted.length - 1)
  let most = Math.max(NARROWEST, ...wanted)
  const total = (limit: number): number =>
    wanted.reduce((sum, one) => sum + Math.min(one, limit), 0)
  while (most > NARROWEST && total(most) > available) most -= 1
  return wanted.map((one) => Math.min(one, most))
}
