import type { LandingFile } from '@flatfhir/client'
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api'
import { createHash } from 'node:crypto'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTableSql } from '../../src/columns/table-sql.ts'
import { readParquetManifest } from '../../src/parquet/manifest.ts'
import { publishParquetDataset } from '../../src/parquet/publish-parquet-dataset.ts'
import { writeParquetDataset } from '../../src/parquet/write-parquet-dataset.ts'

const SOURCE = 'https://ehr.example.com/fhir'
const now = (): Date => new Date('2026-11-01T12:00:00Z')

let parent: string
let directory: string
let instance: DuckDBInstance
let connection: DuckDBConnection
let made = 0

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'flatfhir-parquet-'))
  instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '600MB' })
  connection = await instance.connect()
})

afterAll(async () => {
  connection.closeSync()
  instance.closeSync()
  await rm(parent, { recursive: true, force: true })
})

beforeEach(() => {
  made += 1
  directory = join(parent, `dataset ${made}`)
})

async function fileOf(type: string, resources: readonly object[]): Promise<LandingFile> {
  return textFile(type, resources.map((resource) => `${JSON.stringify(resource)}\n`).join(''))
}

async function textFile(type: string, content: string | Uint8Array): Promise<LandingFile> {
  made += 1
  const path = join(parent, `${made}.ndjson${typeof content === 'string' ? '' : '.gz'}`)
  await writeFile(path, content)
  return { path, type, bytes: (await stat(path)).size }
}

async function rowsOf(sql: string): Promise<DuckDBValue[][]> {
  return (await connection.runAndReadAll(sql)).getRows()
}

/** As any tool reads it. */
function dataset(pattern = 'current/**/*.parquet'): string {
  return `read_parquet('${directory}/${pattern}', hive_partitioning = true)`
}

function patient(id: string): object {
  return { resourceType: 'Patient', id, meta: { lastUpdated: '2026-01-01T00:00:00Z' } }
}

function observation(id: string, patientId: string, effectiveDateTime: string): object {
  const subject = { reference: `Patient/${patientId}` }
  return { resourceType: 'Observation', id, status: 'final', subject, effectiveDateTime }
}

describe('a Parquet dataset from NDJSON', () => {
  test('has a partition for each type, and the JSON texts byte for byte', async () => {
    const text = '{"resourceType":"Observation", "id":"o1", "valueQuantity":{"value":1.50}}'
    const files = [await fileOf('Patient', [patient('p1')]), await textFile('Observation', text)]

    await writeParquetDataset(files, {
      directory,
      source: SOURCE,
      run: 'r1',
      cohort: 'system',
      now,
    })

    expect(
      await rowsOf(`SELECT resource_type, id, _source, _run, epoch_ms(_loaded_at)::BIGINT, _cohorts[1]
                    FROM ${dataset()} ORDER BY ALL`),
    ).toEqual([
      ['Observation', 'o1', SOURCE, 'r1', BigInt(now().getTime()), 'system'],
      ['Patient', 'p1', SOURCE, 'r1', BigInt(now().getTime()), 'system'],
    ])
    const observations = dataset('current/resource_type=Observation/*.parquet')
    expect(await rowsOf(`SELECT raw FROM ${observations}`)).toEqual([[text]])
  })

  test('has the columns of the tables', async () => {
    await writeParquetDataset([await fileOf('Patient', [patient('p1')])], {
      ...{ directory, source: SOURCE, run: 'r1' },
    })
    await connection.run(createTableSql('Patient', 'table_of_patients'))
    const path = `read_parquet('${directory}/current/*/*.parquet', hive_partitioning = false)`

    const written = await rowsOf(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${path})`,
    )

    const table = await rowsOf('SELECT column_name, column_type FROM (DESCRIBE table_of_patients)')
    expect(written.sort()).toEqual(table.sort())
  })

  test('is sorted by patient and date, over the borders of files', async () => {
    const observations = Array.from({ length: 6000 }, (_, index) => {
      const day = String((index % 28) + 1).padStart(2, '0')
      return observation(`o${index}`, `p${(index * 7919) % 100}`, `2026-01-${day}`)
    })
    const files = [await fileOf('Observation', observations)]

    const manifest = await writeParquetDataset(files, {
      ...{ directory, source: SOURCE, run: 'r1', sortTextBytes: 200_000, fileBytes: 1 },
    })

    const [partition] = manifest.partitions
    expect(partition?.files.length).toBeGreaterThan(1)
    expect(partition?.files.reduce((sum, { rows }) => sum + rows, 0)).toBe(6000)
    const paths = partition?.files.map(({ path }) => `'${directory}/current/${path}'`)
    const keys = await rowsOf(
      `SELECT patient, json_extract_string(raw, '$.effectiveDateTime')
       FROM read_parquet([${String(paths)}], hive_partitioning = false)`,
    )
    const texts = keys.map((key) => key.join(' '))
    expect(texts).toEqual([...texts].sort())
  })

  test('holds each id once, the newest version of it', async () => {
    const version = (lastUpdated: string | undefined): object => ({
      ...{ resourceType: 'Patient', id: 'p1', meta: { lastUpdated } },
    })
    const files = [
      await fileOf('Patient', [version('2026-01-02T00:00:00Z'), patient('p2')]),
      await fileOf('Patient', [version('2026-01-03T00:00:00Z'), version('2026-01-01T00:00:00Z')]),
    ]

    await writeParquetDataset(files, { directory, source: SOURCE, run: 'r1' })

    expect(
      await rowsOf(`SELECT id, last_updated::DATE::VARCHAR FROM ${dataset()} ORDER BY id`),
    ).toEqual([
      ['p1', '2026-01-03'],
      ['p2', '2026-01-01'],
    ])
  })

  test('holds of equally new lines the one that was written last', async () => {
    const lines = (copy: number): readonly object[] =>
      Array.from({ length: 3000 }, (_, index) => ({
        ...{ ...observation(`o${(index * 7919) % 3000}`, `p${index % 10}`, '2026-01-01') },
        valueInteger: copy,
      }))
    const text = (copy: number): string =>
      lines(copy)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join('')
    const files = [
      await textFile('Observation', text(1)),
      await textFile('Observation', gzipSync(text(2))),
      await textFile('Observation', `\uFEFF${text(3)}`),
      await textFile('Observation', text(4)),
      await textFile('Observation', text(5)),
    ]

    await writeParquetDataset(files, {
      directory,
      source: SOURCE,
      run: 'r1',
      sortTextBytes: 50_000,
    })

    expect(
      await rowsOf(`SELECT count(*), min(value_integer), max(value_integer) FROM ${dataset()}`),
    ).toEqual([[3000n, 5n, 5n]])
  })

  test('takes gzip, files of any type, and types without a line', async () => {
    const lines = [patient('p1'), observation('o1', 'p1', '2026-01-01'), patient('p2')]
    const text = lines.map((line) => JSON.stringify(line)).join('\n')
    const files = [await textFile('*', gzipSync(text)), await fileOf('Condition', [])]

    const manifest = await writeParquetDataset(files, { directory, source: SOURCE, run: 'r1' })

    expect(manifest.partitions.map(({ type, rows }) => [type, rows])).toEqual([
      ['Observation', 1],
      ['Patient', 2],
    ])
    expect(await readdir(join(directory, 'current'))).toEqual([
      '_manifest.json',
      'resource_type=Observation',
      'resource_type=Patient',
    ])
  })

  test('has a manifest that says what is in it', async () => {
    const files = [await fileOf('Patient', [patient('p1'), patient('p2')])]

    const written = await writeParquetDataset(files, { directory, source: SOURCE, run: 'r1', now })

    const manifest = await readParquetManifest(directory)
    expect(manifest).toEqual(written)
    expect(manifest).toMatchObject({
      ...{ format: 'flatfhir-parquet', manifestVersion: 1, run: 'r1', source: SOURCE },
      createdAt: now().toISOString(),
      partitions: [{ type: 'Patient', rows: 2, run: 'r1' }],
    })
    const [file] = manifest?.partitions[0]?.files ?? []
    const bytes = await readFile(join(directory, 'current', file?.path ?? ''))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(file).toMatchObject({ rows: 2, bytes: bytes.length, sha256 })
    expect(manifest?.partitions[0]?.columns[0]).toEqual({ name: 'id', type: 'VARCHAR' })
  })
})

describe('writing a dataset again', () => {
  const write = async (run: string, ids: readonly string[], source = SOURCE): Promise<void> => {
    await writeParquetDataset([await fileOf('Patient', ids.map(patient))], {
      ...{ directory, source, run },
    })
  }

  test('replaces what was there, and leaves one state for every pattern', async () => {
    await write('r1', ['p1', 'p2'])
    await write('r2', ['p3'])

    for (const pattern of ['current/**/*.parquet', 'current/*/*.parquet', '**/*.parquet']) {
      expect(await rowsOf(`SELECT id FROM ${dataset(pattern)}`)).toEqual([['p3']])
    }
    expect(await readParquetManifest(directory)).toMatchObject({
      run: 'r2',
      previous: { run: 'r1' },
    })
  })

  test('changes nothing when it fails', async () => {
    await write('r1', ['p1'])
    const broken = await textFile('Patient', '{"id":"p2"}\n{"family":Smith}\n')

    const writing = writeParquetDataset([broken], { directory, source: SOURCE, run: 'r2' })

    await expect(writing).rejects.toMatchObject({ code: 'LANDING_LINE_INVALID', lineNumber: 2 })
    expect(await rowsOf(`SELECT id FROM ${dataset()}`)).toEqual([['p1']])
    expect(await readdir(join(directory, '.generations'))).toHaveLength(1)
  })

  test('cleans up what a killed process left', async () => {
    await write('r1', ['p1'])
    await mkdir(join(directory, '.generations', 'abandoned', 'resource_type=Patient'), {
      recursive: true,
    })
    await writeFile(join(directory, '.generations/abandoned/resource_type=Patient/x.parquet'), '?')
    await symlink('.generations/abandoned', join(directory, '.current-0badcafe'))

    await write('r2', ['p2'])

    expect(await rowsOf(`SELECT id FROM ${dataset('**/*.parquet')}`)).toEqual([['p2']])
    expect(await readdir(join(directory, '.generations'))).toHaveLength(1)
    expect(await readdir(directory)).not.toContain('.current-0badcafe')
  })

  test('refuses the dataset of another source, and other files', async () => {
    await write('r1', ['p1'])

    await expect(write('r2', ['p2'], 'https://other.example.com')).rejects.toMatchObject({
      ...{ code: 'PARQUET_DIRECTORY_REFUSED', reason: 'another-source' },
    })
    expect(await rowsOf(`SELECT id FROM ${dataset()}`)).toEqual([['p1']])
    directory = join(parent, 'foreign')
    await mkdir(directory)
    await writeFile(join(directory, 'thesis.txt'), 'precious')
    await expect(write('r3', ['p1'])).rejects.toMatchObject({ reason: 'foreign-files' })
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  test('refuses a dataset of a later form', async () => {
    await mkdir(directory)
    const manifest = { format: 'flatfhir-parquet', manifestVersion: 99 }
    await writeFile(join(directory, '_manifest.json'), JSON.stringify(manifest))

    await expect(write('r1', ['p1'])).rejects.toMatchObject({ reason: 'unknown-form' })
  })
})

describe('a dataset that follows a warehouse', () => {
  let warehouse: DuckDBConnection
  let database: DuckDBInstance

  beforeEach(async () => {
    database = await DuckDBInstance.create(':memory:', { threads: '2' })
    warehouse = await database.connect()
    for (const type of ['Patient', 'Group']) await warehouse.run(createTableSql(type))
    await insert('Patient', 'p1')
    await insert('Group', 'g1')
    return () => {
      warehouse.closeSync()
      database.closeSync()
    }
  })

  async function insert(type: string, id: string): Promise<void> {
    const raw = JSON.stringify({ resourceType: type, id })
    await warehouse.run(
      `INSERT INTO "${type.toLowerCase()}" (id, raw, _source, _run) VALUES ('${id}', '${raw}', 's', 'r')`,
    )
  }

  test('has the rows of its tables, by type', async () => {
    await publishParquetDataset(warehouse, { directory, run: 'r1' })

    expect(await rowsOf(`SELECT resource_type, id FROM ${dataset()} ORDER BY ALL`)).toEqual([
      ['Group', 'g1'],
      ['Patient', 'p1'],
    ])
  })

  test('keeps the files of types that did not change', async () => {
    const first = await publishParquetDataset(warehouse, { directory, run: 'r1' })
    const path = await realpath(join(directory, 'current', 'resource_type=Group'))
    const [name = ''] = await readdir(path)
    const { ino } = await stat(join(path, name))
    await insert('Patient', 'p2')

    const second = await publishParquetDataset(warehouse, {
      ...{ directory, run: 'r2', changedTypes: ['Patient'] },
    })

    expect(
      await rowsOf(`SELECT resource_type, id FROM ${dataset('**/*.parquet')} ORDER BY ALL`),
    ).toEqual([
      ['Group', 'g1'],
      ['Patient', 'p1'],
      ['Patient', 'p2'],
    ])
    expect(second.partitions[0]).toEqual(first.partitions[0])
    expect((await stat(join(directory, 'current', 'resource_type=Group', name))).ino).toBe(ino)
    expect(second.partitions.map(({ run }) => run)).toEqual(['r1', 'r2'])
  })

  test('loses a type whose table is empty, and writes one that it did not have', async () => {
    await publishParquetDataset(warehouse, { directory, run: 'r1' })
    await warehouse.run('DELETE FROM "group"')
    await warehouse.run(createTableSql('Device'))
    await insert('Device', 'd1')

    await publishParquetDataset(warehouse, { directory, run: 'r2', changedTypes: ['Group'] })

    expect(await rowsOf(`SELECT resource_type, id FROM ${dataset()} ORDER BY ALL`)).toEqual([
      ['Device', 'd1'],
      ['Patient', 'p1'],
    ])
  })

  test('is not mixed with one that was written from files', async () => {
    await writeParquetDataset([await fileOf('Patient', [patient('p1')])], {
      ...{ directory, source: SOURCE, run: 'r1' },
    })

    await expect(publishParquetDataset(warehouse, { directory, run: 'r2' })).rejects.toMatchObject({
      reason: 'another-source',
    })
  })
})
