import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess } from './command-process.ts'
import { ask, SyncSource } from './sync-source.ts'

const run = promisify(execFile)
const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url))

let source: SyncSource
let exported: string
let database: string

beforeAll(async () => {
  source = await SyncSource.start(4)
  exported = source.at('export')
  database = source.at('w.duckdb')
  const done = await inProcess(['export', source.url, '--system', '--out', exported])
  expect(done.code).toBe(0)
})

afterAll(async () => {
  await source[Symbol.asyncDispose]()
})

describe('load', () => {
  test('lands an export, tells what and how fast, and again changes nothing', async () => {
    const loaded = await inProcess(['load', exported, '--duckdb', database])
    const again = await inProcess(['load', exported, '--duckdb', database, '--json'])

    expect(loaded).toMatchObject({ code: 0, err: '' })
    expect(loaded.out).toMatch(/^Patient +4 +4 +0 +0 +0$/m)
    expect(loaded.out).toMatch(/^loaded: [\d,]+ resources of \d+ files in .*, [\d,]+\/s, into .*w/m)
    const { verified, report } = JSON.parse(again.out) as {
      verified: boolean
      report: { landing: { types: readonly { inserted: number; received: number }[] } }
    }
    expect(verified).toBe(true)
    expect(report.landing.types.every(({ inserted }) => inserted === 0)).toBe(true)
    expect(await ask(database, 'SELECT count(*) AS n FROM patient')).toEqual([{ n: 4 }])
  })

  test('says so when nobody knows whether anything is missing, and makes a dataset', async () => {
    const folder = source.at('plain')
    await mkdir(folder)
    await writeFile(join(folder, 'Patient.ndjson'), '{"resourceType":"Patient","id":"p1"}\n')

    const loaded = await inProcess(['load', folder, '--parquet', source.at('lake')])

    expect(loaded.code).toBe(0)
    expect(loaded.err).toContain('has no receipt: nobody knows whether anything is missing')
    expect(await readdir(source.at('lake'))).toContain('_manifest.json')
  })

  test('refuses a folder without files, and one that is not finished', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'flatfhir-load-'))

    const loaded = await inProcess(['load', empty, '--duckdb', database])

    expect(loaded.code).toBe(1)
    expect(loaded.err).toMatch(/\[LOAD_REFUSED\]$/m)
    await rm(empty, { recursive: true })
  })
})

describe('query', () => {
  const SQL = "SELECT 'a,b' AS x, 1 AS n UNION ALL SELECT NULL, 22 ORDER BY n"

  test('prints a table, CSV or JSON', async () => {
    const table = await inProcess(['query', database, SQL])
    const csv = await inProcess(['query', database, SQL, '--csv'])
    const json = await inProcess(['query', database, SQL, '--json'])

    expect(table).toMatchObject({ code: 0, out: 'x      n\n────  ──\na,b    1\nNULL  22\n' })
    expect(table.err).toBe('2 rows\n')
    expect(csv).toEqual({ code: 0, out: 'x,n\r\n"a,b",1\r\n,22\r\n', err: '' })
    expect(JSON.parse(json.out)).toEqual([
      { x: 'a,b', n: 1 },
      { x: null, n: 22 },
    ])
  })

  test('reads the query from stdin', async () => {
    const stdin = Readable.from([Buffer.from('SELECT 6 *'), Buffer.from(' 7 AS n')])

    const answer = await inProcess(['query', database, '-', '--csv'], { stdin })

    expect(answer).toMatchObject({ code: 0, out: 'n\r\n42\r\n' })
  })

  test.each([
    ['SELECT nonsense FROM patient', 'QUERY_INVALID'],
    ['DELETE FROM patient', 'QUERY_REFUSED'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'QUERY_REFUSED'],
  ])('%s is an error of one line', async (sql, code) => {
    const answer = await inProcess(['query', database, sql])

    expect(answer.code).toBe(1)
    expect(answer.out).toBe('')
    expect(answer.err).toMatch(new RegExp(`^flatfhir: .*\\[${code}\\]\n$`))
  })

  test('a big answer streams, and a reader that goes away ends it', async () => {
    const sql = 'SELECT range AS n FROM range(100000000000)'
    await using asking = new CommandProcess(['query', database, sql, '--csv'])
    await asking.written(/^1000\r$/m)

    asking.stopReading()

    expect((await asking.finished()).code).toBe(143)
  })

  test('works in a pipe', async () => {
    const sql = 'SELECT range AS n FROM range(1000000)'
    const command = `"${process.execPath}" "${BIN}" query "${database}" "${sql}" --csv | head -n 2`

    const { stdout } = await run('sh', ['-c', command])

    expect(stdout).toBe('n\r\n0\r\n')
  })
})
