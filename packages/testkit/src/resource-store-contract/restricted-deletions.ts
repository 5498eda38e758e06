import { describe, expect, test } from 'vitest'
import { readExport } from './exported.ts'
import { group, observation, patient, put, remove } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

/** Which deletions an export tells whose client may see only some resources of a type. */
export function restrictedDeletionTests(openStore: OpenStore): void {
  describe('deletions of a type that scopes restrict', () => {
    test.each(['system', 'patient', 'group'] as const)(
      'are told at %s level where the last version met the scope',
      async (level) => {
        const { store } = await openStore()
        const seen = observation('seen', 'p', { status: 'final' })
        const unseen = observation('unseen', 'p', { status: 'draft' })
        const changed = observation('changed', 'p', { status: 'final' })
        await put(store, patient('p'), patient('q'), group('g', ['Patient/p', 'Patient/q']))
        await put(store, seen, unseen, changed)
        const before = await store.takeSnapshot()
        await put(store, { ...changed, status: 'draft' })
        await remove(store, 'Observation/seen', 'Observation/unseen', 'Observation/changed')
        await remove(store, 'Patient/q')
        const query = {
          level,
          ...(level === 'group' && { groupId: 'g' }),
          sinceMs: before.transactionTime.getTime(),
        }
        const restriction = { type: 'Observation', anyOf: ['status=final', 'status=none'] } as const

        const free = await readExport(store, query)
        const filtered = await readExport(store, {
          ...query,
          restrictions: [{ ...restriction, origin: 'type-filter' }],
        })
        const scoped = await readExport(store, {
          ...query,
          restrictions: [{ ...restriction, origin: 'scope' }],
        })

        const all = ['Observation/changed', 'Observation/seen', 'Observation/unseen', 'Patient/q']
        expect(free.deleted.toSorted()).toEqual(all)
        expect(filtered.deleted.toSorted()).toEqual(all)
        expect(scoped.deleted.toSorted()).toEqual(['Observation/seen', 'Patient/q'])
      },
    )

    test('are not told where the version before is pruned', async () => {
      const { store } = await openStore()
      await put(store, observation('o', 'p', { status: 'final' }))
      await remove(store, 'Observation/o')
      const { transactionTime } = await store.takeSnapshot()
      await put(store, patient('later'))
      await store.prune(new Date(transactionTime.getTime() + 60_000))
      const restrictions = [
        { type: 'Observation', anyOf: ['status=final'], origin: 'scope' },
      ] as const

      const free = await readExport(store, { level: 'system', sinceMs: 0 })
      const scoped = await readExport(store, { level: 'system', sinceMs: 0, restrictions })

      expect(free.deleted).toEqual(['Observation/o'])
      expect(scoped.deleted).toEqual([])
    })
  })
}
