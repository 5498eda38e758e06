// Lands a folder of NDJSON in a process of its own, whose memory is the landing's alone. Prints what
// it took as JSON. Arguments: `duckdb`, `parquet` or `limit`, the folder, and where to.
import { DuckDBInstance } from '@duckdb/node-api'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const [kind, folder, target] = process.argv.slice(2)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.ndjson'))
  .map((name) => ({
    path: join(folder, name),
    type: basename(name, '.ndjson'),
    bytes: statSync(join(folder, name)).size,
  }))

const PARQUET = new URL('../../packages/sink-duckdb/dist/parquet/index.js', import.meta.url)
const SOURCE = 'http://localhost/fhir'
const KINDS = { duckdb: landInDuckDb, parquet: writeParquet, limit: readOneColumn }

rmSync(target, { recursive: true, force: true })
const land = await KINDS[kind]()
const startedAt = performance.now()
const resources = await land()
const seconds = (performance.now() - startedAt) / 1000
const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
console.log(JSON.stringify({ seconds, resources, memoryMb: (Number(kib) * 1024) / 1e6 }))

async function landInDuckDb() {
  const { DuckDbSink } = await import('@flatfhir/sink-duckdb')
  return async () => {
    const sink = new DuckDbSink({ path: join(target, 'landed.duckdb') })
    const session = await sink.open()
    try {
      return await landAll(session)
    } finally {
      await session[Symbol.asyncDispose]()
    }
  }
}

async function landAll(session) {
  const cohort = { source: SOURCE, cohort: 'system' }
  const run = { id: 'bench', cohort, kind: 'full', startedAt: new Date(), types: undefined }
  const landing = await session.begin(run)
  await landing.write(files, 'all')
  const { types } = await landing.inspect()
  const at = new Date().toISOString()
  await landing.commit({
    watermarks: [{ type: '*', filter: '', transactionTime: new Date() }],
    report: {
      ...{ reportVersion: 1, runId: 'bench', ...cohort, kind: 'full', fullReasons: ['first-run'] },
      ...{ result: 'committed', startedAt: at, finishedAt: at, exports: [], alarms: [] },
      timings: { exportMs: 0, landingMs: 0, totalMs: 0 },
    },
  })
  await landing[Symbol.asyncDispose]()
  return types.reduce((sum, { received }) => sum + received, 0)
}

async function writeParquet() {
  const { writeParquetDataset } = await import(PARQUET.href)
  return async () => {
    const options = { directory: target, source: SOURCE, run: 'bench' }
    const { partitions } = await writeParquetDataset(files, options)
    return partitions.reduce((sum, { rows }) => sum + rows, 0)
  }
}

/** DuckDB by itself: the same files into one column of one table. */
async function readOneColumn() {
  return async () => {
    const instance = await DuckDBInstance.create(target, { memory_limit: '600MB' })
    const connection = await instance.connect()
    await connection.run('SET preserve_insertion_order = false')
    const paths = files.map(({ path }) => `'${path.replaceAll("'", "''")}'`).join(', ')
    const result = await connection
      .run('CREATE TABLE resource (json JSON)')
      .then(() =>
        connection.run(`INSERT INTO resource SELECT json FROM read_ndjson_objects([${paths}])`),
      )
    await connection.run('CHECKPOINT')
    connection.closeSync()
    instance.closeSync()
    return result.rowsChanged
  }
}
