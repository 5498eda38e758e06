import { DuckDBInstance } from '@duckdb/node-api'
import { DuckDbSink } from '@flatfhir/sink-duckdb'
import {
  COHORT,
  hour,
  land,
  LandingFolder,
  landingRun,
  observationText,
  reportOf,
  resourceText,
} from '@flatfhir/testkit'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeDirectory, makePlace, query } from './place.ts'

async function openError(path: string, waitMs = 0): Promise<unknown> {
  return new DuckDbSink({ path, waitMs }).open().catch((error: unknown) => error)
}

describe('opening', () => {
  test('waits for a session of the same process, and says who is in the way', async () => {
    const place = await makePlace()
    const session = await place.sink().open()

    expect(await openError(place.path)).toMatchObject({ code: 'WAREHOUSE_BUSY', retryable: true })

    const next = new DuckDbSink({ path: place.path }).open()
    await session[Symbol.asyncDispose]()
    await using opened = await next
    expect(await opened.readState(COHORT)).toEqual({ watermarks: [], members: 0 })
  })

  test('refuses a file that is no database, and leaves it alone', async () => {
    const path = join(await makeDirectory(), 'notes.duckdb')
    await writeFile(path, 'no database at all\n'.repeat(1000))

    expect(await openError(path)).toMatchObject({ code: 'WAREHOUSE_NOT_RECOGNISED' })
    expect((await stat(path)).size).toBe(19_000)
  })

  test('refuses a database of something else', async () => {
    const path = join(await makeDirectory(), 'other.duckdb')
    await execute(path, 'CREATE TABLE mine (n INTEGER)')

    expect(await openError(path)).toMatchObject({ code: 'WAREHOUSE_NOT_RECOGNISED' })
  })

  test('refuses what a later release wrote', async () => {
    const place = await makePlace()
    await (await place.sink().open())[Symbol.asyncDispose]()
    await execute(place.path, 'UPDATE sync.warehouse SET format = 99')

    expect(await openError(place.path)).toMatchObject({ code: 'WAREHOUSE_TOO_NEW', format: 99 })
  })

  test('brings the tables of an older release to the columns of this one', async () => {
    const place = await makePlace()
    await (await place.sink().open())[Symbol.asyncDispose]()
    await execute(place.path, 'ALTER TABLE patient DROP COLUMN gender')
    await execute(place.path, `UPDATE sync.warehouse SET views = 'of an older release'`)

    await (await place.sink().open())[Symbol.asyncDispose]()

    const [found] = await query(place.path, 'SELECT count(gender) AS n FROM patient')
    expect(found).toEqual({ n: '0' })
  })

  test('removes temporary directories of processes that were killed, and its own', async () => {
    const place = await makePlace()
    const left = `${place.path}.tmp-00000000-0000-0000-0000-000000000000`
    await mkdir(left)

    await (await place.sink().open())[Symbol.asyncDispose]()

    expect(await readdir(dirname(place.path))).toEqual(['warehouse.duckdb'])
    expect((await stat(place.path)).mode & 0o077).toBe(0)
  })
})

describe('a line that cannot be landed', () => {
  test.each([
    ['a type that is no name', '{"resourceType":"a\\"; DROP TABLE patient; --","id":"a"}'],
    ['a type in small letters', '{"resourceType":"patient","id":"DROP"}'],
    ['a known type in other letters', '{"resourceType":"PATIENT","id":"DROP"}'],
    ['a type with the name of a view', '{"resourceType":"Patients","id":"DROP"}'],
    ['a resource without an id', '{"resourceType":"Patient","x":"DROP"}'],
    ['no JSON', '{"resourceType":"Patient","id":"DROP"'],
  ])('is refused, and not shown: %s', async (_what, line) => {
    await using folder = new LandingFolder()
    const place = await makePlace()
    {
      await using session = await place.sink().open()
      await using landing = await session.begin(landingRun())
      const files = [await folder.file('*', [line, resourceText('Patient', 'b')])]

      const error = await landing
        .write(files, 'changes')
        .then(() => landing.inspect())
        .catch((thrown: unknown) => thrown)

      expect(error).toMatchObject({ isBulkDataError: true })
      expect(String(error)).not.toContain('DROP')
    }
    expect(await place.rows()).toEqual([])
  })

  test.each(['{"resourceType":"Patient","x":"DROP"}', '{"resourceType":"Patient","id":"DROP"'])(
    'is refused in a first load of its type: %s',
    async (line) => {
      await using folder = new LandingFolder()
      const place = await makePlace()
      {
        await using session = await place.sink().open()
        await using landing = await session.begin(landingRun())
        await landing.write([await folder.file('Patient', [line])], 'all')

        const error = await landing.inspect().catch((thrown: unknown) => thrown)

        expect(error).toMatchObject({ isBulkDataError: true })
        expect(String(error)).not.toContain('DROP')
      }
      expect(await place.rows()).toEqual([])
    },
  )
})

describe('bookkeeping', () => {
  test('commits a run once', async () => {
    await using folder = new LandingFolder()
    const place = await makePlace()
    const run = landingRun()
    await land(place.sink(), folder, { run })
    await using session = await place.sink().open()

    await expect(session.begin(run)).rejects.toMatchObject({ code: 'RUN_ALREADY_COMMITTED' })
    await session.recordRun(reportOf(run, { result: 'stopped' }))
    expect(await session.runs({ limit: 9 })).toMatchObject([{ result: 'committed' }])
  })

  test('can be queried', async () => {
    await using folder = new LandingFolder()
    const place = await makePlace()
    const changes = [resourceText('Patient', 'p'), observationText('a', 'p', { lastUpdated: 1 })]
    await land(place.sink(), folder, { run: { id: 'one' }, changes, roster: ['p'] })
    await land(place.sink(), folder, {
      run: { id: 'two', kind: 'full', inStepUntil: hour(2) },
      all: [resourceText('Patient', 'q')],
      deleted: ['Observation/a'],
      roster: ['q'],
      rosterAt: hour(3),
    })

    const spells = await query(
      place.path,
      `SELECT patient, joined_run, left_run, epoch_ms(left_at)::DOUBLE AS left_at FROM sync.rosters ORDER BY patient`,
    )
    expect(spells).toEqual([
      { patient: 'p', joined_run: 'one', left_run: 'two', left_at: hour(3).getTime() },
      { patient: 'q', joined_run: 'two', left_run: null, left_at: null },
    ])
    expect(
      await query(
        place.path,
        'SELECT type, id, reason, is_removed FROM sync.deletions ORDER BY id',
      ),
    ).toEqual([
      { type: 'Observation', id: 'a', reason: 'told', is_removed: true },
      { type: 'Patient', id: 'p', reason: 'left', is_removed: true },
    ])
    expect(await query(place.path, `SELECT run FROM sync.drift`)).toHaveLength(2)
    expect(
      await query(place.path, `SELECT part FROM sync.files WHERE run = 'two' ORDER BY part`),
    ).toEqual([{ part: 'all' }, { part: 'deletions' }, { part: 'roster' }])
    expect(await query(place.path, 'SELECT id FROM patients')).toEqual([{ id: 'q' }])
  })
})

async function execute(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  await connection.run(sql)
  connection.closeSync()
  instance.closeSync()
}
