import type { DuckDBConnection } from '@duckdb/node-api'
import { beforeEach, describe, expect, test } from 'vitest'

import { MIGRATIONS } from '../../src/database/warehouse-schema.ts'
import { createViewsSql, VIEWS } from '../../src/views/views-sql.ts'
import { inMemory, land, rowsOf, type Resource } from '../columns/landing.ts'

let connection: DuckDBConnection

async function makeViews(): Promise<void> {
  for (const statement of createViewsSql()) await connection.run(statement)
}

async function merge(...pairs: readonly (readonly [string, string])[]): Promise<void> {
  for (const [patient, replacedBy] of pairs) {
    await connection.run('INSERT INTO sync.merges VALUES ($1, $2, $3, $2)', [
      'https://fhir.example',
      patient,
      replacedBy,
    ])
  }
}

async function landAll(...resources: readonly Resource[]): Promise<void> {
  const types = new Set(resources.map(({ resourceType }) => resourceType))
  for (const type of types) {
    const texts = resources.filter(({ resourceType }) => resourceType === type)
    await land(
      connection,
      type,
      texts.map((each) => JSON.stringify(each)),
    )
  }
}

beforeEach(async () => {
  connection = await inMemory()
  for (const statement of MIGRATIONS.flat()) await connection.run(statement)
})

test.each(VIEWS.map(({ name }) => name))(
  '%s is there and empty when nothing is landed',
  async (name) => {
    await makeViews()

    expect(await rowsOf(connection, `SELECT * FROM ${name}`)).toEqual([])
  },
)

test('making the views again changes nothing', async () => {
  await makeViews()
  await landAll({ resourceType: 'Patient', id: 'a' })
  await makeViews()

  expect(await rowsOf(connection, 'SELECT id FROM patients')).toEqual([{ id: 'a' }])
})

describe('patient_merges', () => {
  test.each([
    [
      'a chain',
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
      { a: 'c', b: 'c' },
    ],
    [
      'a circle',
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      { b: 'a' },
    ],
    [
      'a circle with a way out',
      [
        ['a', 'b'],
        ['b', 'a'],
        ['b', 'x'],
      ],
      { a: 'x', b: 'x' },
    ],
    [
      'a way into a circle',
      [
        ['z', 'b'],
        ['b', 'a'],
        ['a', 'b'],
      ],
      { b: 'a', z: 'a' },
    ],
    ['one who replaces himself', [['a', 'a']], {}],
    [
      'two who claim the same patient',
      [
        ['a', 'c'],
        ['a', 'b'],
      ],
      { a: 'b' },
    ],
  ] as const)('follows %s', async (_, pairs, expected) => {
    await merge(...pairs)
    await makeViews()

    const rows = await rowsOf(connection, 'SELECT patient, survivor FROM patient_merges')

    expect(Object.fromEntries(rows.map((row) => [row['patient'], row['survivor']]))).toEqual(
      expected,
    )
  })
})

describe('patients', () => {
  test('has one row for each living identity, with the survivor in front', async () => {
    await merge(['old', 'new'], ['older', 'old'])
    await landAll(
      { resourceType: 'Patient', id: 'old', birthDate: '1970' },
      { resourceType: 'Patient', id: 'older' },
      { resourceType: 'Patient', id: 'new', gender: 'female' },
      { resourceType: 'Patient', id: 'other' },
    )
    await makeViews()

    const rows = await rowsOf(connection, 'SELECT id, gender, merged_ids FROM patients ORDER BY id')

    expect(rows).toEqual([
      { id: 'new', gender: 'female', merged_ids: ['old', 'older'] },
      { id: 'other', gender: null, merged_ids: [] },
    ])
  })

  test('counts years up to the death, or up to today', async () => {
    const year = new Date().getUTCFullYear()
    await landAll(
      {
        resourceType: 'Patient',
        id: 'dead',
        birthDate: '1950-06-15',
        deceasedDateTime: '2020-06-14T23:00:00Z',
      },
      { resourceType: 'Patient', id: 'living', birthDate: `${year - 30}-01-01` },
      { resourceType: 'Patient', id: 'unknown', deceasedBoolean: true },
    )
    await makeViews()

    expect(
      await rowsOf(connection, 'SELECT id, age, is_deceased FROM patients ORDER BY id'),
    ).toEqual([
      { id: 'dead', age: '69', is_deceased: true },
      { id: 'living', age: '30', is_deceased: false },
      { id: 'unknown', age: null, is_deceased: true },
    ])
  })
})

test('conditions_by_code counts living identities, and leaves out what was refuted', async () => {
  const condition = (id: string, patient: string, more: object = {}): Resource => ({
    resourceType: 'Condition',
    id,
    subject: { reference: `Patient/${patient}` },
    clinicalStatus: { coding: [{ code: 'active' }] },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '44054006' }], text: 'Diabetes' },
    ...more,
  })
  await merge(['old', 'new'])
  await landAll(
    condition('1', 'old'),
    condition('2', 'new', { clinicalStatus: { coding: [{ code: 'resolved' }] } }),
    condition('3', 'other'),
    condition('4', 'third', { verificationStatus: { coding: [{ code: 'refuted' }] } }),
  )
  await makeViews()

  expect(await rowsOf(connection, 'SELECT * FROM conditions_by_code')).toEqual([
    {
      code_system: 'http://snomed.info/sct',
      code: '44054006',
      display: 'Diabetes',
      patients: '2',
      conditions: '3',
      active: '2',
    },
  ])
})

test('latest_vital_signs has the latest of each code for each living identity', async () => {
  const weight = (
    [id, patient, effectiveDateTime]: readonly [string, string, string],
    more: object = {},
  ): Resource => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ code: 'vital-signs' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Weight' }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime,
    valueQuantity: { value: Number(id), unit: 'kg' },
    ...more,
  })
  await merge(['old', 'new'])
  await landAll(
    weight(['81', 'old', '2021-01-01T12:00:00Z']),
    weight(['80', 'new', '2021-01-01T12:30:00+01:00']),
    weight(['99', 'new', '2022'], { status: 'entered-in-error' }),
    weight(['98', 'new', '2022'], { category: [{ coding: [{ code: 'laboratory' }] }] }),
  )
  await makeViews()

  expect(
    await rowsOf(connection, 'SELECT patient, code, value, value_unit FROM latest_vital_signs'),
  ).toEqual([{ patient: 'new', code: '29463-7', value: 81, value_unit: 'kg' }])
})

test('encounters_per_month counts by month and class, in UTC', async () => {
  const encounter = (id: string, start: string, patient = 'a'): Resource => ({
    resourceType: 'Encounter',
    id,
    status: 'finished',
    class: { code: 'AMB' },
    subject: { reference: `Patient/${patient}` },
    period: { start },
  })
  await landAll(
    encounter('1', '2021-01-31T23:30:00-05:00'),
    encounter('2', '2021-02-10'),
    encounter('3', '2021-02', 'b'),
    encounter('4', 'sometime'),
  )
  await makeViews()

  expect(await rowsOf(connection, 'SELECT * FROM encounters_per_month')).toEqual([
    { month: '2021-02-01', class: 'AMB', encounters: '3', patients: '2' },
  ])
})

test('medications_per_patient joins requests that refer to a Medication', async () => {
  await landAll(
    {
      resourceType: 'Medication',
      id: 'm1',
      code: { coding: [{ system: 'rxnorm', code: '313782', display: 'Acetaminophen' }] },
    },
    {
      resourceType: 'MedicationRequest',
      id: '1',
      status: 'active',
      subject: { reference: 'Patient/a' },
      medicationReference: { reference: 'Medication/m1' },
      authoredOn: '2021-05',
    },
    {
      resourceType: 'MedicationRequest',
      id: '2',
      status: 'stopped',
      subject: { reference: 'Patient/a' },
      medicationCodeableConcept: { coding: [{ system: 'rxnorm', code: '313782' }] },
      authoredOn: '2020-01-02T03:04:05Z',
    },
  )
  await makeViews()

  const rows = await rowsOf(
    connection,
    'SELECT * EXCLUDE (code_system, _source) FROM medications_per_patient',
  )

  expect(rows).toEqual([
    {
      patient: 'a',
      code: '313782',
      display: 'Acetaminophen',
      requests: '2',
      active: '1',
      first_authored_on: '2020-01-02 03:04:05+00',
      last_authored_on: '2021-05-01 00:00:00+00',
    },
  ])
})
