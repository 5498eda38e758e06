import { DatabaseSync } from '@photostructure/sqlite'
import { SqliteResourceStore } from '@flatfhir/store-sqlite'
import { readExport } from '@flatfhir/testkit'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'

const COUNT = 600
const LARGE = 'x'.repeat(200_000)

function body(id: string, filler = ''): Uint8Array {
  return Buffer.from(`{"resourceType":"Basic","id":"${id}","a":"Smith${filler}"}`)
}

async function storeWithDamage(damage: string): Promise<SqliteResourceStore> {
  const directory = await temporaryDirectory()
  const store = await SqliteResourceStore.open({ directory })
  const ids = Array.from({ length: COUNT }, (_, n) => `b${n}`)
  const operations = ids.map(
    (id) => ({ kind: 'update', type: 'Basic', id, body: body(id) }) as const,
  )
  const large = { kind: 'update', type: 'Basic', id: 'large', body: body('large', LARGE) } as const
  await store.write([...operations, large])
  const database = new DatabaseSync(join(directory, 'resources.sqlite'))
  const { changes } = database
    .prepare(
      `UPDATE version SET ${damage} WHERE node IN (SELECT node FROM node WHERE id IN ('b7', 'large'))`,
    )
    .run()
  expect(changes).toBe(2)
  database.close()
  return store
}

test.each([
  ['is NULL', 'body = NULL'],
  ['is cut off', 'body = CAST(substr(body, 1, 20) AS BLOB)'],
  ['is longer than it was', "body = CAST(body || '   ' AS BLOB)"],
  ['holds a line feed', "body = CAST(replace(body, 'Smith', 'Smi' || char(10) || 'h') AS BLOB)"],
  ['holds a NUL', "body = CAST(substr(body, 1, 30) || x'00' || substr(body, 32) AS BLOB)"],
  ['is not an object', "body = CAST('x' || substr(body, 2) AS BLOB)"],
  ['is empty', "body = x''"],
])('a body that %s costs that resource only', async (_, damage) => {
  await using store = await storeWithDamage(damage)

  const exported = await readExport(store, { level: 'system' })

  expect(exported.byName.size).toBe(COUNT - 1)
  expect(exported.lines).toHaveLength(COUNT - 1)
  expect(exported.byName.has('Basic/b7')).toBe(false)
  expect(exported.outcomes).toHaveLength(2)
  expect(exported.outcomes.join()).not.toContain('Smith')
})

test('a damaged resource can be replaced, and deleted', async () => {
  await using store = await storeWithDamage('body = CAST(substr(body, 1, 20) AS BLOB)')

  const results = await store.write([
    { kind: 'update', type: 'Basic', id: 'b7', body: body('b7') },
    { kind: 'delete', type: 'Basic', id: 'large' },
  ])

  expect(results.map(({ state }) => state)).toEqual(['updated', 'deleted'])
  const exported = await readExport(store, { level: 'system' })
  expect(exported.lines).toHaveLength(COUNT)
  expect(exported.outcomes).toEqual([])
})
