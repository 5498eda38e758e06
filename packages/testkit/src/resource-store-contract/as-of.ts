import { describe, expect, test } from 'vitest'
import { openReader, readExport } from './exported.ts'
import {
  deleteOperation,
  group,
  observation,
  patient,
  put,
  putOperation,
  ref,
  remove,
  resource,
} from './resources.ts'
import type { OpenStore } from './store-fixture.ts'
import { expectedExport, StoreModel } from './store-model.ts'

const ENOUGH_FOR_SEVERAL_BLOCKS = 700

/** Whatever is written while an export runs, it holds the state at its snapshot. */
export function asOfTests(openStore: OpenStore): void {
  describe('an export as of its snapshot', () => {
    test.each([
      ['system', { level: 'system' }],
      ['patient', { level: 'patient' }],
      ['group', { level: 'group', groupId: 'g' }],
    ] as const)('holds the state at the snapshot under writes (%s level)', async (_, query) => {
      const { store, connect } = await openStore()
      const other = await connect()
      const model = new StoreModel()
      const ids = Array.from({ length: ENOUGH_FOR_SEVERAL_BLOCKS }, (_unused, index) => `o${index}`)
      await model.write(store, [
        ...[patient('p'), patient('q'), group('g', ['Patient/p', 'Patient/q'])].map(putOperation),
        ...ids.map((id) =>
          putOperation(observation(id, 'p', { performer: [ref('Practitioner/d')] })),
        ),
        putOperation(resource('Practitioner/d')),
        putOperation(resource('Provenance/v', { target: [ref('Observation/o1')] })),
      ])
      const expected = expectedExport(model.state, query)
      const snapshot = await store.takeSnapshot()
      let round = 0
      const writeAllOver = async (): Promise<void> => {
        round += 1
        const n = round
        await (round % 2 === 0 ? store : other).write([
          ...ids.slice(n * 7, n * 7 + 40).map((id) => putOperation(observation(id, 'q', { n }))),
          ...ids.slice(n * 90, n * 90 + 30).map((id) => deleteOperation(`Observation/${id}`)),
          ...ids.slice(0, 20).map((id) => putOperation(observation(`${id}.${n}`, 'p'))),
          putOperation(patient('p', { n })),
          n % 2 === 0
            ? putOperation(resource('Practitioner/d', { n }))
            : deleteOperation('Practitioner/d'),
          putOperation(group('g', n % 2 === 0 ? [] : ['Patient/q'])),
        ])
      }

      const exported = await readExport(store, query, { snapshot, betweenBlocks: writeAllOver })

      expect(round).toBeGreaterThan(3)
      expect(exported.lines).toHaveLength(expected.size)
      expect(new Map(exported.lines.map(({ name, text }) => [name, text]))).toEqual(expected)
    })

    test('reads a partition twice with the same result, also after writes', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), ...[1, 2, 3].map((n) => observation(`o${n}`, 'p')))
      const query = { level: 'group', groupId: 'g' } as const
      await put(store, group('g', ['Patient/p']))
      const snapshot = await store.takeSnapshot()
      const partitions = await store.planExport(query, snapshot, { maxPartitionBytes: 1_000_000 })
      const partition = partitions.find(({ type }) => type === 'Observation')
      if (partition === undefined) throw new TypeError('There is no partition of Observation')
      await using reader = await openReader(store)
      const readBytes = async (): Promise<string> => {
        let text = ''
        for await (const block of reader.read({ query, snapshot, partition })) {
          text += Buffer.from(block.bytes).toString()
        }
        return text
      }

      const first = await readBytes()
      await remove(store, 'Observation/o1', 'Patient/p', 'Group/g')
      await put(store, observation('o2', 'q'))
      const second = await readBytes()

      expect(first.split('\n')).toHaveLength(4)
      expect(second).toBe(first)
    })

    test('stamps every write later than the snapshots before it, on any connection', async () => {
      const { store, connect } = await openStore()
      const other = await connect()

      for (let round = 0; round < 20; round += 1) {
        const [writer, taker] = round % 2 === 0 ? [store, other] : [other, store]
        const { transactionTime } = await taker.takeSnapshot()
        const [written] = await put(writer, patient('p', { round }))
        expect(written?.lastUpdated.getTime()).toBeGreaterThan(transactionTime.getTime())
        const later = await taker.takeSnapshot()
        expect(later.transactionTime.getTime()).toBeGreaterThanOrEqual(
          written?.lastUpdated.getTime() ?? Infinity,
        )
      }
    })

    test('puts every write into exactly one window while many connections write', async () => {
      const { store, connect } = await openStore()
      const writers = [store, await connect(), await connect()]
      const names: string[] = []
      const writing = writers.map(async (writer, index) => {
        for (let n = 0; n < 25; n += 1) {
          const name = `w${index}-${n}`
          await put(writer, patient(name))
          names.push(`Patient/${name}`)
        }
      })
      const done = Promise.all(writing).then(() => true)
      const seen: string[] = []
      let sinceMs: number | undefined
      let isDone = false
      while (!isDone) {
        isDone = await Promise.race([done, Promise.resolve(false)])
        const query = { level: 'system', ...(sinceMs !== undefined && { sinceMs }) } as const
        const exported = await readExport(store, query)
        seen.push(...exported.lines.map(({ name }) => name))
        sinceMs = exported.snapshot.transactionTime.getTime()
      }

      expect(seen.toSorted()).toEqual(names.toSorted())
    })

    test('leaves out what changed at or after _until', async () => {
      const { store } = await openStore()
      const [early] = await put(store, patient('early'))
      await store.takeSnapshot()
      const [late] = await put(store, patient('late'))
      const untilMs = late?.lastUpdated.getTime() ?? 0

      const until = await readExport(store, { level: 'system', untilMs })
      const after = await readExport(store, { level: 'system', untilMs: untilMs + 1 })
      const since = early?.lastUpdated.getTime() ?? 0
      const between = await readExport(store, { level: 'system', sinceMs: since, untilMs })

      expect([...until.byName.keys()]).toEqual(['Patient/early'])
      expect([...after.byName.keys()]).toEqual(['Patient/early', 'Patient/late'])
      expect(between.lines).toEqual([])
    })
  })

  describe('pruning', () => {
    test('removes what was superseded, and changes no later export', async () => {
      const { store } = await openStore()
      const first = await store.takeSnapshot()
      await put(store, patient('p'), patient('gone'), group('g', ['Patient/p', 'Patient/gone']))
      await put(store, observation('o', 'p'), observation('moved', 'p'))
      const since = await store.takeSnapshot()
      await put(
        store,
        patient('p', { n: 2 }),
        observation('o', 'p', { n: 2 }),
        observation('moved', 'q'),
      )
      await remove(store, 'Patient/gone')
      const queries = (['system', 'patient', 'group'] as const).flatMap((level) =>
        [first, since].map(({ transactionTime }) => ({
          level,
          ...(level === 'group' && { groupId: 'g' }),
          sinceMs: transactionTime.getTime(),
        })),
      )
      const snapshot = await store.takeSnapshot()
      const before = await Promise.all(
        queries.map((query) => readExport(store, query, { snapshot })),
      )

      await store.prune(new Date(snapshot.transactionTime.getTime() + 1))

      const after = await Promise.all(
        queries.map((query) => readExport(store, query, { snapshot })),
      )
      expect(after.map(({ lines, deleted }) => ({ lines, deleted }))).toEqual(
        before.map(({ lines, deleted }) => ({ lines, deleted })),
      )
      expect(after[0]?.deleted).toEqual(['Patient/gone'])
      const old = await readExport(store, { level: 'system' }, { snapshot: since })
      expect([...old.byName.keys()]).not.toContain('Patient/p')
    })

    test('keeps what was superseded later than asked for', async () => {
      const { store } = await openStore()
      const [old] = await put(store, patient('p'))
      const snapshot = await store.takeSnapshot()
      await put(store, patient('p', { n: 2 }))

      await store.prune(snapshot.transactionTime)

      const exported = await readExport(store, { level: 'system' }, { snapshot })
      expect(exported.lines[0]?.text).toBe(Buffer.from(old?.body ?? []).toString())
    })
  })
}
