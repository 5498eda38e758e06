import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { cellJson } from '../../src/query/query-cell.ts'
import { queryDatabase, type QueryOptions } from '../../src/query/query-database.ts'

let directory: string
let path: string

async function inDatabase(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path, { threads: '1' })
  const connection = await instance.connect()
  for (const statement of statements) await connection.run(statement)
  connection.closeSync()
  instance.closeSync()
}

async function answer(sql: string, options: QueryOptions = {}): Promise<readonly string[][]> {
  await using result = await queryDatabase(path, sql, { waitMs: 0, threads: 1, ...options })
  const rows: string[][] = []
  for await (const row of result.rows) rows.push(row.map(cellJson))
  return rows
}

async function failure(sql: string, options: QueryOptions = {}): Promise<unknown> {
  return answer(sql, options).catch((error: unknown) => error)
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'query-'))
  path = join(directory, 'warehouse.duckdb')
  await inDatabase(
    'CREATE TABLE patient (id VARCHAR, family VARCHAR)',
    "INSERT INTO patient VALUES ('a', 'Smith'), ('b', NULL)",
  )
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

test.each([
  ['NULL', 'null'],
  ['true', 'true'],
  ['9007199254740993::BIGINT', '9007199254740993'],
  ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
  ['1.50::DECIMAL(18,2)', '1.50'],
  ['-0.05::DECIMAL(18,2)', '-0.05'],
  ['0.1::DOUBLE', '0.1'],
  ["'nan'::DOUBLE", '"NaN"'],
  ['\'say "hi"\'', '"say \\"hi\\""'],
  ["DATE '2020-02-29'", '"2020-02-29"'],
  ["TIMESTAMPTZ '2020-05-01 12:00:00+02:00'", '"2020-05-01T10:00:00Z"'],
  ["TIMESTAMPTZ '2020-05-01 12:00:00.123456Z'", '"2020-05-01T12:00:00.123456Z"'],
  ["TIMESTAMPTZ '1969-12-31 23:59:59.5Z'", '"1969-12-31T23:59:59.500Z"'],
  ["TIMESTAMP '2020-05-01 12:00:00'", '"2020-05-01T12:00:00"'],
  ["TIMESTAMPTZ 'infinity'", '"infinity"'],
  ["['a', NULL, 'b']", '["a",null,"b"]'],
  ["{'a': 1.10::DECIMAL(5,2), 'b': [DATE '2020-01-01']}", '{"a":1.10,"b":["2020-01-01"]}'],
  ["MAP {'k': 9007199254740993}", '[{"key":"k","value":9007199254740993}]'],
  ["'7a1ad5b0-3b2e-4c07-9a5e-0f4a3d0b5e11'::UUID", '"7a1ad5b0-3b2e-4c07-9a5e-0f4a3d0b5e11"'],
])('answers %s exactly', async (sql, json) => {
  expect(await answer(`SELECT ${sql}`)).toEqual([[json]])
})

test('names the columns and their types, and gives names that stand twice another', async () => {
  await using result = await queryDatabase(
    path,
    'SELECT id, id, 1.5::DECIMAL(9,1) AS n FROM patient',
  )

  expect(result.columns.map(({ type }) => type)).toEqual(['VARCHAR', 'VARCHAR', 'DECIMAL(9,1)'])
  expect(new Set(result.columns.map(({ name }) => name)).size).toBe(3)
})

test('hands out rows as they are asked for', async () => {
  await using result = await queryDatabase(path, 'SELECT range FROM range(100000000000)')
  const rows = result.rows[Symbol.asyncIterator]()

  const first = await rows.next()
  await rows.return?.()

  expect(first.value).toEqual([{ kind: 'number', text: '0' }])
})

describe('refuses', () => {
  test.each([
    ["INSERT INTO patient VALUES ('c', 'Jones')", 'not-read-only'],
    ['DELETE FROM patient', 'not-read-only'],
    ['DROP TABLE patient', 'not-read-only'],
    ['CREATE TEMP TABLE x AS SELECT 1', 'not-read-only'],
    ["COPY patient TO 'out.csv'", 'external-access'],
    ["ATTACH 'other.duckdb'", 'not-read-only'],
    ['SET enable_external_access = true', 'not-read-only'],
    ["PRAGMA memory_limit='10GB'", 'not-read-only'],
    ['CHECKPOINT', 'not-read-only'],
    ['EXPLAIN ANALYZE DELETE FROM patient', 'not-read-only'],
    ['SELECT 1; SELECT 2', 'not-one-statement'],
    ['', 'not-one-statement'],
    ["SELECT * FROM read_csv('/etc/hostname')", 'external-access'],
    ["SELECT * FROM '/etc/hostname.csv'", 'external-access'],
    ["SELECT * FROM read_text('/etc/hostname')", 'external-access'],
    ["SELECT * FROM glob('/etc/*')", 'external-access'],
  ])('%s', async (sql, refusal) => {
    expect(await failure(sql)).toMatchObject({ code: 'QUERY_REFUSED', refusal })
    expect(await answer('SELECT count(*) FROM patient')).toEqual([['2']])
  })
})

test('reads other files when that is allowed', async () => {
  const other = join(directory, 'other.csv')
  await writeFile(other, 'x\n42\n')

  expect(await answer(`SELECT * FROM read_csv('${other}')`, { allowExternalAccess: true })).toEqual(
    [['42']],
  )
})

test.each([
  ['SELEC 1', 'Parser Error'],
  ['SELECT nothing FROM patient', 'Binder Error'],
  ['SELECT * FROM patients', 'Catalog Error'],
])('says what is wrong with %s', async (sql, kind) => {
  const error = await failure(sql)

  expect(error).toMatchObject({ code: 'QUERY_INVALID' })
  expect(String(error)).toContain(kind)
})

test('keeps values of rows out of errors', async () => {
  const error = await failure('SELECT family::INTEGER FROM patient')

  expect(error).toMatchObject({ code: 'QUERY_INVALID' })
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Smith')
  expect(String(error)).toContain('Conversion Error')
})

test('leaves nothing beside the database, also when it spilled', async () => {
  const rows = await answer(
    'SELECT count(*) FROM (SELECT range, hash(range)::VARCHAR h FROM range(3000000) ORDER BY h) WHERE range >= 0',
    { memoryLimitBytes: 60_000_000 },
  )

  expect(rows).toEqual([['3000000']])
  expect(await readdir(directory)).toEqual(['warehouse.duckdb'])
})

test('can be interrupted', async () => {
  const controller = new AbortController()
  const running = failure(
    'SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b',
    {
      signal: controller.signal,
    },
  )
  controller.abort(new Error('asked to stop'))

  expect(await running).toMatchObject({ message: 'asked to stop' })
})

test('stops between rows as well', async () => {
  const controller = new AbortController()
  await using result = await queryDatabase(path, 'SELECT range FROM range(100000000000)', {
    signal: controller.signal,
  })
  const rows = result.rows[Symbol.asyncIterator]()
  await rows.next()

  controller.abort(new Error('asked to stop'))
  const rest = (async () => {
    for (;;) if ((await rows.next()).done === true) return
  })()

  await expect(rest).rejects.toThrow('asked to stop')
})

test('lets go of the file when a query fails', async () => {
  await failure('SELECT family::INTEGER FROM patient')
  await failure('SELEC')

  const writer = await writingProcess()
  writer.kill()
  await once(writer, 'exit')

  expect(await answer('SELECT count(*) FROM patient')).toEqual([['2']])
})

test('says so when there is no database', async () => {
  await rm(path)

  expect(await failure('SELECT 1')).toMatchObject({ code: 'WAREHOUSE_NOT_RECOGNISED' })
})

test('says so when another process writes', async () => {
  const writer = await writingProcess()
  try {
    expect(await failure('SELECT 1')).toMatchObject({ code: 'WAREHOUSE_BUSY' })
  } finally {
    writer.kill()
    await once(writer, 'exit')
  }
})

async function writingProcess(): Promise<ChildProcess> {
  const library = createRequire(import.meta.url).resolve('@duckdb/node-api')
  const script = `
    const { DuckDBInstance } = require(${JSON.stringify(library)})
    DuckDBInstance.create(${JSON.stringify(path)}).then((instance) => {
      process.stdout.write('open')
      setInterval(() => instance, 1000)
    })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}
