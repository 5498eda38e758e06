import type { SearchQuery } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { group, patient, put, remove } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

/** Searches on Patient and Group. */
export function searchTests(openStore: OpenStore): void {
  async function search(query: Omit<SearchQuery, 'type' | 'pageSize'>): Promise<readonly string[]> {
    const { store } = await openStore()
    await put(
      store,
      patient('a', {
        identifier: [{ system: 'urn:one', value: '1' }, { value: '2' }],
        name: [{ family: 'Müller-Lüdenscheidt', given: ['Ana', 'JOSÉ'] }],
      }),
      patient('b', { identifier: [{ system: 'urn:two', value: '1' }], name: [{ text: 'Ana B' }] }),
      patient('c', { identifier: [{ system: 'urn:two', value: '3' }] }),
      patient('gone', { identifier: [{ system: 'urn:one', value: '1' }], name: [{ text: 'Ana' }] }),
      group('g', [], { name: 'Ana', identifier: [{ system: 'urn:one', value: '1' }] }),
    )
    await put(store, patient('c', { identifier: [{ system: 'urn:two', value: '4' }] }))
    await remove(store, 'Patient/gone')
    const page = await store.search({ type: 'Patient', pageSize: 10, ...query })
    expect(page.total).toBe(page.resources.length)
    return page.resources.map(({ id }) => id)
  }

  describe('a search', () => {
    test.each([
      ['system|value', { system: 'urn:one', value: '1' }, ['a']],
      ['value', { system: undefined, value: '1' }, ['a', 'b']],
      ['|value', { system: '', value: '2' }, ['a']],
      ['|value of one with a system', { system: '', value: '1' }, []],
      ['system|', { system: 'urn:two', value: undefined }, ['b', 'c']],
      ['a value that was changed', { system: undefined, value: '3' }, []],
    ])('finds identifiers by %s', async (_, identifier, expected) => {
      expect(await search({ identifiers: [identifier] })).toEqual(expected)
    })

    test.each([
      ['muller', ['a']],
      ['jose', ['a']],
      ['ÁNA', ['a', 'b']],
      ['ana b', ['b']],
      ['na', []],
      ['%', []],
      ['_', []],
    ])('finds names that start with %s', async (name, expected) => {
      expect(await search({ names: [name] })).toEqual(expected)
    })

    test('wants every criterion, and one value of each', async () => {
      const value = { system: undefined, value: '1' }

      expect(await search({})).toEqual(['a', 'b', 'c'])
      expect(await search({ ids: ['a', 'c', 'gone', 'none'] })).toEqual(['a', 'c'])
      expect(await search({ names: ['ana'], ids: ['b', 'c'] })).toEqual(['b'])
      expect(await search({ names: ['none', 'jos'], identifiers: [value] })).toEqual(['a'])
      expect(await search({ ids: [] })).toEqual([])
    })

    test('pages through everybody once while others are written and deleted', async () => {
      const { store } = await openStore()
      const ids = Array.from({ length: 25 }, (_, index) => `p${index}`)
      await put(store, ...ids.map((id) => patient(id)))
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.search({
          type: 'Patient',
          pageSize: 4,
          ...(cursor !== undefined && { cursor }),
        })
        seen.push(...page.resources.map(({ id }) => id))
        cursor = page.nextCursor
        await put(store, patient(`new${seen.length}`), patient('p3', { n: seen.length }))
        await remove(
          store,
          `Patient/new${seen.length}`,
          seen[0] === 'p0' ? 'Patient/p0' : 'Patient/x',
        )
      } while (cursor !== undefined)

      expect(seen).toEqual(ids)
    })

    test('tells a page that does not exist from one that is empty', async () => {
      const { store } = await openStore()
      const search = store.search({ type: 'Patient', pageSize: 4, cursor: "1' OR 1=1" })

      await expect(search).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    })
  })
}
