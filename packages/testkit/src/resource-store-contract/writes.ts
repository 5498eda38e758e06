import type { BundleResult, ResourceStore, WriteOperation, WriteResult } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import {
  deleteOperation,
  observation,
  patient,
  put,
  putOperation,
  ref,
  remove,
  storedOf,
  textOf,
  utf8,
} from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

/** What single writes, groups of writes, and Bundles do. */
export function writeTests(openStore: OpenStore): void {
  describe('writes', () => {
    test('count versions through create, update, delete and re-creation', async () => {
      const { store } = await openStore()
      const operations = [
        putOperation(patient('p')),
        putOperation(patient('p', { n: 2 })),
        deleteOperation('Patient/p'),
        putOperation(patient('p', { n: 2 })),
        deleteOperation('Patient/unknown'),
      ]

      const results: WriteResult[] = []
      for (const operation of operations) results.push(...(await store.write([operation])))

      expect(results.map(summary)).toEqual([
        'created 1',
        'updated 2',
        'deleted 3',
        'created 4',
        'absent',
      ])
    })

    test('read back what was written, and when', async () => {
      const { store, connect } = await openStore()
      const [written] = await put(store, patient('p'))
      const other = await connect()

      expect(await other.read('Patient', 'p')).toEqual({ state: 'found', resource: written })
      expect(JSON.parse(textOf(written?.body ?? utf8('')))).toMatchObject({
        id: 'p',
        meta: { versionId: '1', lastUpdated: written?.lastUpdated.toISOString() },
      })

      const [deleted] = await store.write([deleteOperation('Patient/p')])
      expect(deleted).toMatchObject({ state: 'deleted', versionId: '2' })
      expect(await other.read('Patient', 'p')).toEqual({
        state: 'deleted',
        versionId: '2',
        lastUpdated: deleted?.state === 'deleted' && deleted.lastUpdated,
      })
      expect(await other.read('Patient', 'q')).toEqual({ state: 'unknown' })
    })

    test('do not mistake a resource that is only referred to for one that was deleted', async () => {
      const { store } = await openStore()
      await put(store, observation('o', 'p'))

      expect(await store.read('Patient', 'p')).toEqual({ state: 'unknown' })
    })

    test('make no version of the same content, whatever meta says', async () => {
      const { store } = await openStore()
      const [written] = await put(store, patient('p', { meta: { tag: [{ code: 'a' }] } }))
      const meta = { tag: [{ code: 'a' }], versionId: '77', lastUpdated: '2001-01-01T00:00:00Z' }

      const [same] = await store.write([putOperation(patient('p', { meta }))])

      expect(same).toEqual({ state: 'unchanged', resource: written })
    })

    test('give a create an id of its own, also where the text has one', async () => {
      const { store } = await openStore()
      const create = (text: string): WriteOperation => {
        return { kind: 'create', type: 'Patient', body: utf8(text) }
      }

      const results = await store.write([
        create('{"resourceType":"Patient","id":"mine","n":1.0}'),
        create('{"resourceType":"Patient","n":1.0}'),
      ])

      for (const { id, body } of results.map(storedOf)) {
        expect(id).not.toBe('mine')
        expect(textOf(body)).toMatch(new RegExp(`"id":"${id}".*"n":1\\.0}$`))
      }
    })

    test('go by the version that the client names', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), patient('p', { n: 2 }))
      const update = (ifMatch: string, n: number): WriteOperation => {
        return { ...putOperation(patient('p', { n })), ifMatch } as WriteOperation
      }

      const results = await store.write([
        update('1', 3),
        { ...deleteOperation('Patient/p'), ifMatch: '1' } as WriteOperation,
        update('2', 4),
        { ...putOperation(patient('q')), ifMatch: '1' } as WriteOperation,
        { ...deleteOperation('Patient/p'), ifMatch: '3' } as WriteOperation,
        update('4', 5),
      ])

      expect(results.map(summary)).toEqual([
        'version-conflict 2',
        'version-conflict 2',
        'updated 3',
        'version-conflict undefined',
        'deleted 4',
        'version-conflict undefined',
      ])
    })

    test('let only one of two writers win who name the same version', async () => {
      const { store, connect } = await openStore()
      const other = await connect()
      await put(store, patient('p'))
      const update = (n: number): WriteOperation => {
        return { ...putOperation(patient('p', { n })), ifMatch: '1' } as WriteOperation
      }

      const results = await Promise.all([store.write([update(1)]), other.write([update(2)])])

      expect(results.flat().map(summary).toSorted()).toEqual(['updated 2', 'version-conflict 2'])
    })

    test('stand for themselves, or are all undone when they are atomic', async () => {
      const { store } = await openStore()
      const operations: WriteOperation[] = [
        putOperation(patient('a')),
        { kind: 'update', type: 'Patient', id: 'b', body: utf8('{') },
      ]

      const atomic = await store.write(operations, { atomic: true })
      const afterAtomic = await store.read('Patient', 'a')
      const single = await store.write(operations)

      expect(atomic[1]?.state).toBe('invalid')
      expect(afterAtomic).toEqual({ state: 'unknown' })
      expect(single.map(({ state }) => state)).toEqual(['created', 'invalid'])
      expect((await store.read('Patient', 'a')).state).toBe('found')
    })

    test.each([
      ['not JSON', '{"resourceType":"Patient","id":"p","name":"Smith"'],
      ['not an object', '["Smith"]'],
      ['of another type', '{"resourceType":"Observation","id":"p","name":"Smith"}'],
      ['of no type', '{"id":"p","name":"Smith"}'],
      ['of an unknown type', '{"resourceType":"Smith","id":"p"}'],
      ['of another id', '{"resourceType":"Patient","id":"Smith"}'],
      ['without id', '{"resourceType":"Patient","name":"Smith"}'],
      ['with a bad id', '{"resourceType":"Patient","id":"Smith/../x"}'],
      ['with two ids', '{"resourceType":"Patient","id":"p","id":"Smith"}'],
      ['with two metas', '{"resourceType":"Patient","id":"p","meta":{},"meta":{"source":"Smith"}}'],
      [
        'with two versionIds',
        '{"resourceType":"Patient","id":"p","meta":{"versionId":"1","versionId":"Smith"}}',
      ],
      ['with a meta that is text', '{"resourceType":"Patient","id":"p","meta":"Smith"}'],
      ['with a raw control character', '{"resourceType":"Patient","id":"p","name":"Smith\u0000"}'],
      [
        'nested absurdly',
        `{"resourceType":"Patient","id":"p","Smith":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      ],
      ['empty', ''],
    ])('refuse a text that is %s, without quoting it', async (_, text) => {
      const { store } = await openStore()

      const [result] = await store.write([
        { kind: 'update', type: 'Patient', id: 'p', body: utf8(text) },
      ])

      expect(result).toMatchObject({ state: 'invalid', issue: { severity: 'error' } })
      expect(JSON.stringify(result)).not.toContain('Smith')
      expect(await store.read('Patient', 'p')).toEqual({ state: 'unknown' })
    })

    test('refuse a text that is not UTF-8', async () => {
      const { store } = await openStore()
      const body = Buffer.from('{"resourceType":"Patient","id":"p","name":"é"}', 'latin1')

      const [result] = await store.write([{ kind: 'update', type: 'Patient', id: 'p', body }])

      expect(result?.state).toBe('invalid')
    })

    test.each([
      ['an impossible date', { period: { end: '2024-02-30' } }],
      ['a period that is no object', { period: 'always' }],
      ['an inactive that is no boolean', { inactive: 'yes' }],
    ])('refuse a Group member with %s', async (_, member) => {
      const { store } = await openStore()
      const body = utf8({
        resourceType: 'Group',
        id: 'g',
        member: [{ entity: ref('Patient/p'), ...member }],
      })

      const [result] = await store.write([{ kind: 'update', type: 'Group', id: 'g', body }])

      expect(result?.state).toBe('invalid')
    })
  })

  describe('Bundles', () => {
    test('of type transaction take effect as a whole, links between entries included', async () => {
      const { store } = await openStore()
      await put(store, patient('gone'))

      const result = await writeBundle(store, 'transaction', [
        {
          fullUrl: 'urn:uuid:1b0b1f0e-0000-4000-8000-000000000001',
          resource: { resourceType: 'Patient', n: 1 },
          request: { method: 'POST', url: 'Patient' },
        },
        {
          fullUrl: 'http://elsewhere.example/fhir/Practitioner/d',
          resource: { resourceType: 'Practitioner', id: 'd' },
          request: { method: 'PUT', url: 'Practitioner/d' },
        },
        {
          resource: observation('o', 'x', {
            subject: ref('urn:uuid:1b0b1f0e-0000-4000-8000-000000000001'),
            performer: [ref('http://elsewhere.example/fhir/Practitioner/d'), ref('urn:uuid:other')],
            valueString: 'urn:uuid:1b0b1f0e-0000-4000-8000-000000000001',
          }),
          request: { method: 'PUT', url: 'Observation/o' },
        },
        { request: { method: 'DELETE', url: 'Patient/gone' } },
      ])

      expect(statesOf(result)).toEqual(['created', 'created', 'created', 'deleted'])
      const [created] = entriesOf(result)
      const found = await store.read('Observation', 'o')
      expect(found.state === 'found' && JSON.parse(textOf(found.resource.body))).toMatchObject({
        subject: ref(`Patient/${storedOf(created).id}`),
        performer: [ref('Practitioner/d'), ref('urn:uuid:other')],
        valueString: 'urn:uuid:1b0b1f0e-0000-4000-8000-000000000001',
      })
    })

    test.each<[string, number, object]>([
      [
        'an invalid resource',
        400,
        {
          resource: { resourceType: 'Patient', id: 'x' },
          request: { method: 'PUT', url: 'Patient/y' },
        },
      ],
      [
        'a stale version',
        412,
        {
          resource: patient('other'),
          request: { method: 'PUT', url: 'Patient/other', ifMatch: 'W/"7"' },
        },
      ],
      ['an unknown type', 400, { resource: {}, request: { method: 'POST', url: 'Nothing' } }],
      ['no request', 400, { resource: patient('x') }],
      ['no resource', 400, { request: { method: 'PUT', url: 'Patient/x' } }],
      ['a search', 400, { request: { method: 'GET', url: 'Patient?name=a' } }],
      [
        'a conditional create',
        400,
        {
          resource: patient('x'),
          request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=1' },
        },
      ],
      [
        'a second write of the same',
        400,
        { resource: patient('a', { n: 2 }), request: { method: 'PUT', url: 'Patient/a' } },
      ],
    ])('of type transaction change nothing when an entry has %s', async (_, status, entry) => {
      const { store } = await openStore()
      await put(store, patient('old'))

      const result = await writeBundle(store, 'transaction', [
        { resource: patient('a'), request: { method: 'PUT', url: 'Patient/a' } },
        { request: { method: 'DELETE', url: 'Patient/old' } },
        entry,
      ])

      expect(result).toMatchObject({ state: 'rejected', status })
      expect(await store.read('Patient', 'a')).toEqual({ state: 'unknown' })
      expect((await store.read('Patient', 'old')).state).toBe('found')
    })

    test('of type batch carry out what can be carried out', async () => {
      const { store } = await openStore()

      const result = await writeBundle(store, 'batch', [
        { resource: patient('a'), request: { method: 'PUT', url: 'Patient/a' } },
        { resource: patient('b'), request: { method: 'PUT', url: 'Patient/c' } },
        {
          resource: patient('a', { n: 2 }),
          request: { method: 'PUT', url: 'Patient/a', ifMatch: 'W/"1"' },
        },
        { request: { method: 'DELETE', url: 'Patient/none' } },
      ])

      expect(statesOf(result)).toEqual(['created', 'invalid', 'updated', 'absent'])
    })

    test('keep the bytes of their resources', async () => {
      const { store } = await openStore()
      const text =
        '{"resourceType":"Basic","id":"x","a":[1.50,\n  "\\u00e9"],"reference":"urn:uuid:1"}'
      const request = '"request":{"method":"PUT","url":"Basic/x"}'
      const other =
        '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p"},"request":{"method":"PUT","url":"Patient/p"}}'
      const bundle = `{"resourceType":"Bundle","entry":[{"resource":${text},${request}},${other}],"type":"transaction"}`

      const result = await store.writeBundle(utf8(bundle))

      const [stored] = entriesOf(result)
      expect(textOf(storedOf(stored).body).replace(/,"meta":\{[^}]*\}/, '')).toBe(
        '{"resourceType":"Basic","id":"x","a":[1.50,"\\u00e9"],"reference":"Patient/p"}',
      )
    })

    test('that are nested absurdly are refused in no time', async () => {
      const { store } = await openStore()
      const nested = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
      const resource = `{"resourceType":"Patient","id":"p","x":${nested}}`
      const request = '"request":{"method":"PUT","url":"Patient/p"}'
      const text = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":${resource},${request}}]}`
      const startedAt = performance.now()

      const result = await store.writeBundle(utf8(text))

      expect(result).toMatchObject({ state: 'rejected', status: 400 })
      expect(performance.now() - startedAt).toBeLessThan(10_000)
    })

    test.each([
      ['not JSON', '{"Smith"'],
      ['no Bundle', '{"resourceType":"Patient","id":"Smith"}'],
      ['a collection', '{"resourceType":"Bundle","type":"collection","id":"Smith"}'],
      [
        'with entries that are no array',
        '{"resourceType":"Bundle","type":"batch","entry":{"a":"Smith"}}',
      ],
      [
        'with an entry that is no object',
        '{"resourceType":"Bundle","type":"batch","entry":["Smith"]}',
      ],
    ])('that are %s are rejected without being quoted', async (_, text) => {
      const { store } = await openStore()

      const result = await store.writeBundle(utf8(text))

      expect(result).toMatchObject({ state: 'rejected', status: 400 })
      expect(JSON.stringify(result)).not.toContain('Smith')
    })

    test('without entries do nothing', async () => {
      const { store } = await openStore()

      expect(await writeBundle(store, 'transaction', [])).toEqual({
        state: 'done',
        type: 'transaction',
        entries: [],
      })
    })
  })

  test('closing twice is fine, and calls after it are refused', async () => {
    const { store } = await openStore()
    await remove(store, 'Patient/p')

    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()

    await expect(store.read('Patient', 'p')).rejects.toThrow()
  })
}

function summary(result: WriteResult): string {
  if ('resource' in result) return `${result.state} ${result.resource.versionId}`
  if (result.state === 'deleted') return `${result.state} ${result.versionId}`
  if (result.state === 'version-conflict') return `${result.state} ${result.currentVersionId}`
  return result.state
}

function writeBundle(
  store: ResourceStore,
  type: 'transaction' | 'batch',
  entry: readonly object[],
): Promise<BundleResult> {
  return store.writeBundle(utf8({ resourceType: 'Bundle', type, entry }))
}

function entriesOf(result: BundleResult): readonly WriteResult[] {
  if (result.state === 'done') return result.entries
  throw new TypeError(`The Bundle was rejected: ${result.issue.diagnostics}`)
}

function statesOf(result: BundleResult): readonly string[] {
  return entriesOf(result).map(({ state }) => state)
}
