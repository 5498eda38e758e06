import type { QueryCell, QueryColumn } from '@flatfhir/sink-duckdb'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shortened, shownWidth } from '../src/output/shown-text.ts'
import { TableWriter } from '../src/output/table-writer.ts'
import { styleFor } from '../src/output/style.ts'

const style = styleFor({ write: () => undefined }, {})

const COLUMNS: readonly QueryColumn[] = [
  { name: 'name', type: 'VARCHAR' },
  { name: 'n', type: 'BIGINT' },
]

function cell(value: string | number | null): QueryCell {
  if (value === null) return { kind: 'null', text: '' }
  return { kind: typeof value === 'number' ? 'number' : 'text', text: String(value) }
}

function tableOf(
  width: number | undefined,
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const writer = new TableWriter(COLUMNS, { width, style })
  return writer.rows(rows.map((row) => row.map(cell))) + writer.end()
}

describe('a table', () => {
  test('has numbers to the right, and says NULL', () => {
    expect(
      tableOf(undefined, [
        ['a', 5],
        ['long name', 12345],
        [null, null],
      ]),
    ).toBe(
      [
        'name           n',
        '─────────  ─────',
        'a              5',
        'long name  12345',
        'NULL        NULL',
        '',
      ].join('\n'),
    )
  })

  test('fits the terminal by cutting its widest columns', () => {
    const table = tableOf(20, [['x'.repeat(50), 12345]])

    expect(table.split('\n')[2]).toBe(`${'x'.repeat(12)}…  12345`)
  })

  test('cannot be used to write to the terminal, and knows wide characters', () => {
    const table = tableOf(undefined, [
      ['\u001b[31mred\n', 1],
      ['日本', 2],
      ['é', 3],
    ])

    expect(table).toContain('·[31mred↵')
    expect(table.split('\n').slice(3, 5)).toEqual([`日本       2`, `é          3`])
  })

  test('keeps its headings when nothing was found', () => {
    expect(tableOf(80, [])).toBe('name  n\n────  ─\n')
  })

  test('goes on with the widths of its first rows', () => {
    const writer = new TableWriter(COLUMNS, { width: undefined, style })
    const first = writer.rows(Array.from({ length: 1000 }, () => [cell('a'), cell(1)]))

    expect(first.split('\n')).toHaveLength(1003)
    expect(writer.rows([[cell('wider than that'), cell(2)]])).toBe('wider than that  2\n')
    expect(writer.end()).toBe('')
  })
})

test('what is cut is never wider than asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      expect(shownWidth(shortened(text, width))).toBeLessThanOrEqual(width)
    }),
  )
})
