import type { MemberChange, ResourceStore } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { readExport, type Exported } from './exported.ts'
import { namesIn } from './groups.ts'
import { cohort } from './member-filters.ts'
import {
  group,
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

const MEMBERS = { level: 'group', groupId: 'g', types: ['Patient'] } as const
const GROUPS = { level: 'system', types: ['Group'] } as const
const PEOPLE = ['a', 'b', 'c', 'd'].map((id) => patient(id))
/** So many members make a text of more than a megabyte, as no body should be by itself. */
const MANY = 14_000

const SIZES: readonly (readonly [string, number])[] = [
  ['small', 0],
  ['large', MANY],
]

/** Rosters of any size: their texts, and changes of single members. */
export function rosterTests(openStore: OpenStore): void {
  describe('the roster of a Group', () => {
    test('keeps its text byte for byte, however large it is', async () => {
      const { store } = await openStore()
      const text = largeText('  ,\t ')

      const [written] = await store.write([update(text)])
      const again = await store.write([update(text)])
      const read = await store.read('Group', 'g')
      const exported = await readExport(store, GROUPS)

      const stored = textOf(storedOf(written).body)
      expect(stored.replace(/,"meta":\{[^}]*\}/, '') === text).toBe(true)
      expect(read.state === 'found' && textOf(read.resource.body) === stored).toBe(true)
      expect(exported.lines.map((line) => line.text === stored)).toEqual([true])
      expect(again[0]?.state).toBe('unchanged')
    })

    test('of a large Group can be replaced by a small one, and deleted', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE)
      await store.write([update(largeText(','))])
      const large = await store.takeSnapshot()
      await put(store, group('g', ['Patient/b']))
      const small = await store.takeSnapshot()
      await store.write([update(largeText(','))])
      await remove(store, 'Group/g')

      const names = async (snapshot: typeof large): Promise<readonly string[]> =>
        namesIn(await readExport(store, MEMBERS, { snapshot, maxPartitionBytes: 1e9 }))

      expect(await names(large)).toEqual(['Patient/a', 'Patient/d'])
      expect(await names(small)).toEqual(['Patient/b'])
      expect(await names(await store.takeSnapshot())).toEqual([])
      const texts = await readExport(store, GROUPS, { snapshot: large })
      expect(texts.lines[0]?.text.length).toBeGreaterThan(1_000_000)
    })

    test.each([
      ['is not JSON', (text: string) => text.replace('"Device/7000"', '"Device/7000')],
      ['has nothing between two commas', (text: string) => text.replace(/\},\{/, '},,{')],
      ['has a member that is no object', (text: string) => text.replace('[{', '["Smith",{')],
      ['has two rosters', (text: string) => text.replace(/\}$/, ',"member":[{}]}')],
      ['ends early', (text: string) => text.slice(0, -30)],
    ])('is refused as a whole when its large text %s', async (_, spoil) => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, group('g', ['Patient/b']))

      const [result] = await store.write([update(spoil(largeText(',')))])

      expect(result?.state).toBe('invalid')
      expect(JSON.stringify(result)).not.toContain('Smith')
      expect(namesIn(await readExport(store, MEMBERS))).toEqual(['Patient/b'])
    })

    test.each(SIZES)('of a %s Group changes member by member', async (_, fillers) => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, roster(fillers, ['Patient/a', 'Patient/b']))
      const before = await store.takeSnapshot()

      const result = await store.changeMembers(change({ add: ['c', 'a'], remove: ['b', 'd'] }))
      const after = await store.takeSnapshot()
      const nothing = await store.changeMembers(change({ add: ['c'], remove: ['b'] }))

      expect(result).toMatchObject({ state: 'updated', versionId: '2', added: 1, removed: 1 })
      expect(nothing).toMatchObject({ state: 'unchanged', versionId: '2', added: 0, removed: 0 })
      const at = (snapshot: typeof before): Promise<Exported> =>
        readExport(store, MEMBERS, { snapshot })
      expect(namesIn(await at(before))).toEqual(['Patient/a', 'Patient/b'])
      expect(namesIn(await at(after))).toEqual(['Patient/a', 'Patient/c'])
      expect(await peopleInText(store, before)).toEqual(['a', 'b'])
      expect(await peopleInText(store, after)).toEqual(['a', 'c'])
    })

    test.each(SIZES)('of a %s Group has joiners of each change', async (_, fillers) => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, roster(fillers, ['Patient/a']))
      const { transactionTime } = await store.takeSnapshot()
      await store.changeMembers(change({ add: ['b'] }))

      const delta = await readExport(store, { ...MEMBERS, sinceMs: transactionTime.getTime() })

      expect(namesIn(delta)).toEqual(['Patient/b'])
    })

    test.each(SIZES)('of a %s Group survives pruning, and a full update', async (_, fillers) => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, roster(fillers, ['Patient/a', 'Patient/b']))
      await store.changeMembers(change({ add: ['c'], remove: ['a'] }))
      await store.changeMembers(change({ add: ['d'], remove: ['c'] }))
      const { transactionTime } = await store.takeSnapshot()
      await store.prune(new Date(transactionTime.getTime() + 60_000))
      const texts = await peopleInText(store)

      await put(store, roster(fillers, ['Patient/c', 'Patient/b']))
      await store.changeMembers(change({ remove: ['b'] }))

      expect(texts).toEqual(['b', 'd'])
      expect(await peopleInText(store)).toEqual(['c'])
      expect(namesIn(await readExport(store, MEMBERS))).toEqual(['Patient/c'])
    })

    test('is changed only where the version is the one that is named', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, group('g', ['Patient/a']))

      const changes = await Promise.all(
        ['b', 'c'].map((id) => store.changeMembers({ ...change({ add: [id] }), ifMatch: '1' })),
      )
      const unknown = await store.changeMembers({ ...change({}), groupId: 'none' })

      expect(changes.map(({ state }) => state)).toEqual(['updated', 'version-conflict'])
      expect(unknown.state).toBe('unknown')
    })

    test('takes periods, and members back who left in the same change', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, group('g', ['Patient/a']))
      const over = { entity: ref('Patient/a'), period: { end: '2001' } }

      const add = [JSON.stringify(over)]
      const result = await store.changeMembers({ groupId: 'g', add, remove: ['Patient/a'] })

      expect(result).toMatchObject({ state: 'updated', added: 1, removed: 1 })
      expect(namesIn(await readExport(store, MEMBERS))).toEqual([])
    })

    test.each([
      ['a device', '{"entity":{"reference":"Device/d"}}'],
      ['an impossible date', '{"entity":{"reference":"Patient/a"},"period":{"end":"2024-02-30"}}'],
    ])('refuses %s', async (_, element) => {
      const { store } = await openStore()
      await put(store, group('g', []))

      const result = await store.changeMembers({ groupId: 'g', add: [element], remove: [] })

      expect(result.state).toBe('invalid')
    })

    test('that selects from everybody takes no members', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, cohort('g', ['Patient']))

      expect((await store.changeMembers(change({ add: ['a'] }))).state).toBe('invalid')
    })
  })

  describe('the author of a Group', () => {
    test('owns what it creates, and nothing else', async () => {
      const { store, connect } = await openStore()
      const author = { clientId: 'me', groups: 'all', searchable: 'all' } as const
      const body = utf8({ resourceType: 'Group', type: 'person', actual: true })
      const [created] = await store.write([{ kind: 'create', type: 'Group', body }], { author })
      await store.write([putOperation(group('g', []))], { author })

      const other = await connect()

      expect(await other.groupsCreatedBy('me')).toEqual([storedOf(created).id])
      expect(await other.groupsCreatedBy('you')).toEqual([])
    })

    test('nests only Groups that it may use, whether or not others are there', async () => {
      const { store } = await openStore()
      await put(store, group('secret', []), group('own', []), group('g', []))
      const author = { groups: ['own', 'g'], searchable: 'all' } as const
      const nest = async (id: string): Promise<unknown> => {
        const [result] = await store.write([putOperation(group('g', [`Group/${id}`]))], { author })
        return result
      }
      const forbidden = { state: 'invalid', issue: { code: 'forbidden' } }

      const secret = await nest('secret')

      expect(secret).toMatchObject(forbidden)
      expect(await nest('none')).toEqual(secret)
      expect(await nest('own')).toMatchObject({ state: 'updated' })
      const element = '{"entity":{"reference":"Group/secret"}}'
      const added = await store.changeMembers(
        { groupId: 'g', add: [element], remove: [] },
        { author },
      )
      expect(added).toMatchObject(forbidden)
    })

    test('searches only types that it may search', async () => {
      const { store } = await openStore()
      const author = { groups: 'all', searchable: ['Patient'] } as const
      const write = async (search: string): Promise<unknown> => {
        const [result] = await store.write([putOperation(cohort('g', [search]))], { author })
        return result
      }

      expect(await write('Patient?gender=male')).toMatchObject({ state: 'created' })
      expect(await write('Condition?code=1')).toMatchObject({
        state: 'invalid',
        issue: { code: 'forbidden' },
      })
    })
  })

  test('a head tells the state of a resource', async () => {
    const { store } = await openStore()
    const [written] = await put(store, group('g', []))

    const found = await store.head('Group', 'g')
    await remove(store, 'Group/g')

    expect(found).toEqual({
      state: 'found',
      versionId: '1',
      lastUpdated: written?.lastUpdated,
    })
    expect((await store.head('Group', 'g')).state).toBe('deleted')
    expect(await store.head('Group', 'h')).toEqual({ state: 'unknown' })
  })
}

function change({
  add = [],
  remove: leave = [],
}: {
  add?: string[]
  remove?: string[]
}): MemberChange {
  return {
    groupId: 'g',
    add: add.map((id) => JSON.stringify({ entity: ref(`Patient/${id}`) })),
    remove: leave.map((id) => `Patient/${id}`),
  }
}

/** People between members of other kinds, which make the roster as large as it should be. */
function roster(fillers: number, people: readonly string[]): ReturnType<typeof group> {
  const others = Array.from({ length: fillers }, (_, index) => filler(index))
  const half = others.length / 2
  return group('g', [...others.slice(0, half), ...people, ...others.slice(half)])
}

function filler(index: number): object {
  return {
    entity: {
      reference: `Device/${index}`,
      display: `filler-${index} ] } [ { \\" ${'x'.repeat(40)}`,
    },
  }
}

function largeText(separator: string): string {
  const element = (value: object): string => JSON.stringify(value)
  const members = [
    element({ entity: ref('Patient/a') }),
    ...Array.from({ length: MANY }, (_, index) => element(filler(index))),
    element({ entity: ref('Patient/d') }),
  ]
  const roster = separator === ',' ? members.join(',') : ` ${members.join(separator)}\t `
  return `{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[${roster}],"quantity":1.50}`
}

function update(text: string): Parameters<ResourceStore['write']>[0][number] {
  return { kind: 'update', type: 'Group', id: 'g', body: utf8(text) }
}

async function peopleInText(
  store: ResourceStore,
  snapshot?: Exported['snapshot'],
): Promise<readonly string[]> {
  const { lines } = await readExport(store, GROUPS, snapshot === undefined ? {} : { snapshot })
  const { member } = lines[0]?.resource as { member: { entity: { reference: string } }[] }
  return member.flatMap(({ entity }) => /^Patient\/(\w+)$/.exec(entity.reference)?.[1] ?? []).sort()
}
