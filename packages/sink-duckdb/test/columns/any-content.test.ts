import { createHash } from 'node:crypto'

import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { columnsOf } from '../../src/columns/columns-of.ts'
import { RESOURCE_COLUMNS } from '../../src/columns/descriptions/resource-columns.ts'
import { inMemory, land, rowsOf } from './landing.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await inMemory()
})

const TYPES = [...Object.keys(RESOURCE_COLUMNS), 'Consent', 'Basic', 'Linkage', 'NoSuchType']

/** Steps that some path of the type takes, so that the columns meet the content. */
function stepsOf(type: string): readonly string[] {
  const paths = columnsOf(type).flatMap((column) => column.paths)
  const steps = paths.flatMap((path) => path.slice(2).split(/\.|\[0\]\.?/))
  return [...new Set(steps.filter((step) => step !== ''))]
}

const SCALARS: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('\ud800', 'x\udfff', '\u0000', '\\ud800', '"', '\u2028', '😀'),
  fc.constantFrom(
    '2020',
    '2020-13',
    '2020-02-30',
    '0000',
    '99999',
    'infinity',
    '24:00',
    '-',
    '1e999',
  ),
  fc.constantFrom(
    'Patient/',
    'Patient/1',
    '/Patient//',
    'Patient?x=y',
    'urn:uuid:',
    '#',
    '//',
    'http://',
  ),
  fc.double(),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(Number),
  fc.boolean(),
  fc.constant(null),
)

function contentOf(type: string): fc.Arbitrary<Record<string, unknown>> {
  const key = fc.oneof(fc.constantFrom(...stepsOf(type)), fc.string({ maxLength: 4 }))
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      SCALARS,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }))
  return fc.dictionary(key, tree, { maxKeys: 8, noNullPrototype: true })
}

const resources = fc.constantFrom(...TYPES).chain((resourceType) =>
  fc.record({
    resourceType: fc.constant(resourceType),
    contents: fc.array(contentOf(resourceType), { minLength: 1, maxLength: 12 }),
    space: fc.constantFrom(0, 1, '\t'),
  }),
)

test('whatever a resource holds lands, found by its id, and its text stays byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(resources, async ({ resourceType, contents, space }) => {
      const texts = contents.map((content, index) =>
        JSON.stringify({ ...content, resourceType, id: `r${index}` }, undefined, space),
      )
      await connection.run(`DROP TABLE IF EXISTS "${resourceType.toLowerCase()}"`)

      await land(connection, resourceType, texts)

      const rows = await rowsOf(
        connection,
        `SELECT id, raw, _patients IS NOT NULL AS listed FROM "${resourceType.toLowerCase()}"`,
      )
      const landed = new Map(rows.map((row) => [row['id'], row]))
      expect(landed.size).toBe(texts.length)
      texts.forEach((raw, index) => {
        expect(landed.get(`r${index}`)).toMatchObject({ raw, listed: true })
      })
    }),
    { numRuns: 150 },
  )
})

test.each([
  [
    'half a surrogate pair by escape',
    '{"id":"a","status":"x\\ud800y","meta":{"versionId":"7"}}',
    '7',
  ],
  ['a name twice, of which the first counts', '{"id":"a","meta":{"versionId":"7"},"meta":{}}', '7'],
  ['white space everywhere', ' { "id" : "a" ,\t"meta" : { "versionId" : "7" } } ', '7'],
  ['names by escape', '{"\\u0069d":"a","m\\u0065ta":{"versionId":"7"}}', '7'],
  ['a number for a text', '{"id":"a","meta":{"versionId":7}}', '7'],
  [
    'digits beyond any number',
    `{"id":"a","value":${'9'.repeat(400)},"meta":{"versionId":"7"}}`,
    '7',
  ],
  ['depth', `{"id":"a","x":${'['.repeat(5000)}${']'.repeat(5000)},"meta":{"versionId":"7"}}`, '7'],
  ['lists for objects', '{"id":"a","meta":[{"versionId":"7"}],"code":[[]],"subject":[]}', null],
])('lands %s', async (_, raw, version) => {
  await connection.run('DROP TABLE IF EXISTS observation')

  await land(connection, 'Observation', [raw])

  expect(await rowsOf(connection, 'SELECT id, version_id, raw FROM observation')).toEqual([
    { id: 'a', version_id: version, raw },
  ])
})

test('lands an attachment of 20 MB', async () => {
  await connection.run('DROP TABLE IF EXISTS documentreference')
  const data = 'QUJD'.repeat(5_000_000)
  const raw = `{"resourceType":"DocumentReference","id":"a","content":[{"attachment":{"contentType":"application/pdf","data":"${data}"}}]}`

  await land(connection, 'DocumentReference', [raw])

  expect(
    await rowsOf(connection, 'SELECT id, content_type, md5(raw) AS digest FROM documentreference'),
  ).toEqual([
    {
      id: 'a',
      content_type: 'application/pdf',
      digest: createHash('md5').update(raw).digest('hex'),
    },
  ])
})

test.each(['', 'null', '[]', '"text"', '{"id":', 'not JSON', '{"id":"a"} trailing'])(
  'computes nothing, and no error, from %j, which is no resource',
  async (raw) => {
    await connection.run('DROP TABLE IF EXISTS patient')

    await land(connection, 'Patient', [raw])

    expect(await rowsOf(connection, 'SELECT id, family_name, _patients, raw FROM patient')).toEqual(
      [{ id: null, family_name: null, _patients: [], raw }],
    )
  },
)
