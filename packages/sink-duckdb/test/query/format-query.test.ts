import { expect, test } from 'vitest'

import { formatQuery, type QueryFormat } from '../../src/query/format-query.ts'
import type { QueryCell } from '../../src/query/query-cell.ts'
import type { QueryResult } from '../../src/query/query-result.ts'

function resultOf(names: readonly string[], cells: readonly (readonly QueryCell[])[]): QueryResult {
  return {
    columns: names.map((name) => ({ name, type: 'VARCHAR' })),
    rows: each(cells),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value)
}

async function textOf(result: QueryResult, format: QueryFormat): Promise<string> {
  let text = ''
  for await (const piece of formatQuery(result, format)) text += piece
  return text
}

const text = (value: string): QueryCell => ({ kind: 'text', text: value })
const number = (value: string): QueryCell => ({ kind: 'number', text: value })
const missing: QueryCell = { kind: 'null', text: '' }

const ROWS = [
  [text('Smith, "Jo"'), number('1.50')],
  [text(''), missing],
  [text('two\nlines'), { kind: 'json', text: '["a"]' } as const],
]

test('csv quotes what needs it, and tells an empty text from NULL', async () => {
  expect(await textOf(resultOf(['name', 'n,m'], ROWS), 'csv')).toBe(
    'name,"n,m"\r\n"Smith, ""Jo""",1.50\r\n"",\r\n"two\nlines","[""a""]"\r\n',
  )
})

test('json is one array, with the digits as they are', async () => {
  const json = await textOf(resultOf(['name', 'n'], ROWS), 'json')

  expect(json).toContain('"n":1.50')
  expect(JSON.parse(json)).toEqual([
    { name: 'Smith, "Jo"', n: 1.5 },
    { name: '', n: null },
    { name: 'two\nlines', n: ['a'] },
  ])
})

test('json of nothing is an empty array', async () => {
  expect(await textOf(resultOf(['a'], []), 'json')).toBe('[]\n')
})

test('ndjson is one object on each line', async () => {
  const lines = (await textOf(resultOf(['name', 'n'], ROWS), 'ndjson')).split('\n')

  expect(lines).toHaveLength(4)
  expect(lines[1]).toBe('{"name":"","n":null}')
})

test('a table aligns, cuts long texts, and keeps control characters from the terminal', async () => {
  const rows = [
    [text('a\u001b[2J\nb'), number('7')],
    [text('x'.repeat(100)), number('12345')],
  ]

  expect((await textOf(resultOf(['name', 'n'], rows), 'table')).split('\n')).toEqual([
    `name${' '.repeat(58)}n`,
    `${'-'.repeat(60)}  -----`,
    `a [2J b${' '.repeat(53)}      7`,
    `${'x'.repeat(59)}…  12345`,
    '(2 rows)',
    '',
  ])
})

test('a table goes on with the widths of its first rows', async () => {
  const rows = Array.from({ length: 250 }, (_, index) => [number(String(index))])

  const lines = (await textOf(resultOf(['n'], rows), 'table')).split('\n')

  expect(lines).toHaveLength(254)
  expect(lines[251]).toBe('249')
  expect(lines[252]).toBe('(250 rows)')
})
