import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { DuckDBConnection } from '@duckdb/node-api'
import { RESOURCE_TYPES } from '@flatfhir/protocol'
import { generatePopulation } from '@flatfhir/synth'
import { beforeAll, describe, expect, test } from 'vitest'

import { columnsOf } from '../../src/columns/columns-of.ts'
import { RESOURCE_COLUMNS } from '../../src/columns/descriptions/resource-columns.ts'
import { LANDING_COLUMNS, missingColumnsSql } from '../../src/columns/table-sql.ts'
import { typedSelectSql } from '../../src/columns/typed-select.ts'
import { columnsHeldBy, inMemory, land, rowsOf, type Resource, type Row } from './landing.ts'

interface Example {
  readonly resource: Resource
  /** Columns that hold something; all others are NULL. */
  readonly columns: Row
}

// Written and checked by hand, one for each type that has columns of its own, and some that have not.
const EXAMPLES = JSON.parse(
  readFileSync(new URL('described-types.json', import.meta.url), 'utf8'),
) as readonly Example[]

/** Folder with the Synthea sample of 100 patients; the tests of it are left out without. */
const SAMPLE = process.env['FLATFHIR_SYNTHEA_SAMPLE'] ?? ''

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await inMemory()
})

test.each(EXAMPLES.map((example) => [example.resource.resourceType, example] as const))(
  '%s: every element lands in its column',
  async (_, { resource, columns }) => {
    expect(await columnsHeldBy(connection, resource)).toEqual(columns)
  },
)

test('every described type has an example', () => {
  const types = new Set(EXAMPLES.map(({ resource }) => resource.resourceType))

  expect(Object.keys(RESOURCE_COLUMNS).filter((type) => !types.has(type))).toEqual([])
})

test.each([...RESOURCE_TYPES, 'NoSuchType'])(
  '%s: names of columns are plain and differ',
  (type) => {
    const names = [...columnsOf(type), ...LANDING_COLUMNS].map(({ name }) => name)

    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^_?[a-z][a-z0-9_]*$/)
  },
)

describe('references', () => {
  test.each([
    ['Patient/1', '1'],
    ['Patient/1/_history/2', '1'],
    ['https://fhir.example/r4/Patient/1', '1'],
    ['https://fhir.example/r4/Patient/1/_history/2', '1'],
    ['/Patient/1', '1'],
    ['urn:uuid:6c5d9ca9-54d7', '6c5d9ca9-54d7'],
    ['urn:oid:1.2.3', '1.2.3'],
    ['Group/1', undefined],
    ['#patient', undefined],
    ['Patient?identifier=x|1', undefined],
    ['https://fhir.example/Patient?identifier=x/1', undefined],
    ['Patient/', undefined],
    ['Patient', undefined],
    ['', undefined],
  ])('%s is the patient %s', async (reference, id) => {
    const held = await columnsHeldBy(connection, {
      resourceType: 'Condition',
      id: 'c',
      subject: { reference },
    })

    expect(held['patient']).toBe(id)
    expect(held['_patients']).toEqual(id === undefined ? [] : [id])
  })

  test.each([
    ['Practitioner/1', '1', 'Practitioner'],
    ['https://fhir.example/r4/Organization/o/_history/2', 'o', 'Organization'],
    ['urn:uuid:6c5d', '6c5d', undefined],
    ['practitioner/1', undefined, undefined],
    ['#x', undefined, undefined],
    ['Practitioner?identifier=a/b', undefined, undefined],
  ])('%s is %s of type %s', async (reference, id, type) => {
    const held = await columnsHeldBy(connection, {
      resourceType: 'MedicationRequest',
      id: 'c',
      requester: { reference },
    })

    expect([held['requester'], held['requester_type']]).toEqual([id, type])
  })
})

describe('instants', () => {
  test.each([
    ['2020', '2020-01-01 00:00:00+00'],
    ['2020-05', '2020-05-01 00:00:00+00'],
    ['2020-05-06', '2020-05-06 00:00:00+00'],
    ['2020-05-06T07:08Z', undefined],
    ['2020-05-06T07:08:09Z', '2020-05-06 07:08:09+00'],
    ['2020-05-06T07:08:09.123+02:00', '2020-05-06 05:08:09.123+00'],
    ['2020-05-06T07:08:09', '2020-05-06 07:08:09+00'],
    ['2020-13-01', undefined],
    ['yesterday', undefined],
    ['infinity', undefined],
  ])('%s becomes %s, whatever the time zone of the session', async (text, instant) => {
    const issued = { resourceType: 'Observation', id: 'o', issued: text }
    const held = await columnsHeldBy(connection, issued)
    await connection.run("SET TimeZone = 'America/New_York'")
    const elsewhere = await rowsOf(
      connection,
      `SELECT n.issued = o.issued AS same FROM observation o,
       (${typedSelectSql('Observation', { from: 'observation' })}) n`,
    )
    await connection.run("SET TimeZone = 'UTC'")

    expect(held['issued']).toBe(instant)
    expect(elsewhere).toEqual([{ same: instant === undefined ? null : true }])
  })
})

test('a table of an older release gets the missing columns, filled from the texts', async () => {
  await connection.run('DROP TABLE IF EXISTS condition')
  const [example] = EXAMPLES.filter(({ resource }) => resource.resourceType === 'Condition')
  await land(connection, 'Condition', [JSON.stringify(example?.resource), '{"id":"other"}'])
  for (const name of ['onset', 'code', '_patients', '_cohorts']) {
    await connection.run(`ALTER TABLE condition DROP COLUMN "${name}"`)
  }
  const existing = await rowsOf(connection, `SELECT name FROM pragma_table_info('condition')`)
  const names = existing.map(({ name }) => JSON.stringify(name).slice(1, -1))

  for (const statement of missingColumnsSql('Condition', names)) await connection.run(statement)

  expect(
    await rowsOf(
      connection,
      'SELECT id, onset, code, _patients, _cohorts FROM condition ORDER BY id',
    ),
  ).toEqual([
    {
      id: 'c1',
      onset: '2010-01-01 00:00:00+00',
      code: '44054006',
      _patients: ['0b0e-1', 'p2'],
      _cohorts: null,
    },
    { id: 'other', onset: null, code: null, _patients: [], _cohorts: null },
  ])
  expect(
    missingColumnsSql('Condition', [...names, 'onset', 'code', '_patients', '_cohorts']),
  ).toEqual([])
})

test('a synthetic population: every row has its id, and every reference to a patient is found', async () => {
  const texts = new Map<string, string[]>()
  for (const { type, line } of generatePopulation({ patients: 3 })) {
    texts.set(type, [...(texts.get(type) ?? []), line])
  }

  for (const [type, lines] of texts) {
    await connection.run(`DROP TABLE IF EXISTS "${type.toLowerCase()}"`)
    await land(connection, type, lines)
    const rows = await rowsOf(
      connection,
      `SELECT id, _patients AS patients, raw FROM "${type.toLowerCase()}"`,
    )
    expect(rows.map(({ id }) => id)).toEqual(
      lines.map((line) => (JSON.parse(line) as Resource)['id']),
    )
    for (const { patients, raw } of rows) {
      const subject = /"(?:subject|patient|beneficiary)":\{"reference":"Patient\/([^"]+)"/.exec(
        JSON.stringify(raw).replaceAll('\\"', '"'),
      )
      if (subject !== null && type !== 'Device') expect(patients).toContain(subject[1])
    }
  }
})

describe.skipIf(!existsSync(SAMPLE))(
  'the Synthea sample, when FLATFHIR_SYNTHEA_SAMPLE names it',
  () => {
    test.each([
      ['Observation', 'patient, encounter, category, code, effective, issued', 16_315],
      ['Encounter', 'patient, class, type, period_start, period_end, service_provider', 3_697],
      ['Claim', 'patient, type, billable_start, provider, total, total_currency', 6_083],
      ['Condition', 'patient, encounter, clinical_status, code, onset, recorded_date', 639],
      ['Patient', 'mrn, family_name, given_name, birth_date, gender, city', 100],
    ])('%s: the columns %s hold something in every row', async (type, names, rows) => {
      const file = join(SAMPLE, `${type}.ndjson.gz`)
      const from = `(SELECT json::VARCHAR AS raw FROM read_ndjson_objects('${file}'))`
      const counts = names.split(', ').map((name) => `count(${name}) AS ${name}`)

      const [counted = {}] = await rowsOf(
        connection,
        `SELECT ${counts.join(', ')}, count(_patients[1]) AS _patients
       FROM (${typedSelectSql(type, { from })})`,
      )

      expect(new Set(Object.values(counted))).toEqual(new Set([String(rows)]))
    })
  },
)
