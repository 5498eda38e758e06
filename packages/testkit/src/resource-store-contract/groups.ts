import type { ResourceStore } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { readExport, type Exported } from './exported.ts'
import { group, observation, patient, put, ref, remove, resource, type Fhir } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

const QUERY = { level: 'group', groupId: 'g' } as const
const DAY_MS = 24 * 60 * 60 * 1000

/** Who belongs to a Group’s export, and what comes with them. */
export function groupTests(openStore: OpenStore): void {
  describe('a Group export', () => {
    test.each<[string, readonly Fhir[]]>([
      ['unknown', []],
      ['empty', [group('g', [])]],
      ['without "member"', [resource('Group/g', { type: 'person' })]],
      ['of devices', [group('g', ['Device/d'])]],
      ['a cycle of empty ones', [group('g', ['Group/h']), group('h', ['Group/g'])]],
    ])('of a Group that is %s holds nothing', async (_, resources) => {
      const { store } = await openStore()
      await put(store, patient('p'), observation('o', 'p'), resource('Practitioner/d'))
      await put(store, ...resources)

      const full = await readExport(store, QUERY)
      const delta = await readExport(store, { ...QUERY, sinceMs: 0 })

      expect([...full.byName.keys(), ...delta.byName.keys()]).toEqual([])
      expect(full.partitions.filter(({ kind }) => kind === 'output')).toEqual([])
    })

    test('of a deleted Group holds nothing', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), group('g', ['Patient/p']))
      await remove(store, 'Group/g')

      expect(await namesOf(store)).toEqual([])
    })

    test('leaves out members who are inactive, and whose period is over or yet to begin', async () => {
      const { store } = await openStore()
      const day = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString()
      const date = (days: number): string => day(days).slice(0, 10)
      const year = new Date().getUTCFullYear()
      const members: readonly (readonly [string, object])[] = [
        ['in-plain', {}],
        ['in-active', { inactive: false }],
        ['out-inactive', { inactive: true }],
        ['out-ended', { period: { end: day(-1) } }],
        ['out-ended-day', { period: { end: date(-1) } }],
        ['out-ended-year', { period: { end: `${year - 1}` } }],
        ['out-not-begun', { period: { start: day(1) } }],
        ['out-not-begun-year', { period: { start: `${year + 1}` } }],
        ['in-ends-later', { period: { start: day(-1), end: day(1) } }],
        ['in-ends-today', { period: { end: date(0) } }],
        ['in-ends-this-year', { period: { start: `${year}`, end: `${year}` } }],
        ['in-month', { period: { start: date(-40).slice(0, 7) } }],
        ['in-extension-only', { period: { extension: [] } }],
      ]
      await put(store, ...members.map(([id]) => patient(id)))
      const roster = members.map(([id, rest]) => ({ entity: ref(`Patient/${id}`), ...rest }))
      await put(store, group('g', roster))

      const names = await namesOf(store)

      const expected = members.filter(([id]) => id.startsWith('in-')).map(([id]) => `Patient/${id}`)
      expect(names).toEqual(expected.toSorted())
    })

    test('follows nested Groups, survives cycles, and takes a member of several once', async () => {
      const { store } = await openStore()
      await put(store, ...['a', 'b', 'c', 'out'].map((id) => patient(id)))
      await put(
        store,
        group('g', ['Patient/a', 'Patient/a', 'Group/g', 'Group/h']),
        group('h', ['Patient/a', 'Patient/b', 'Group/i']),
        group('i', ['Patient/c', 'Group/g', { entity: ref('Group/j'), inactive: true }]),
        group('j', ['Patient/out']),
      )

      const exported = await readExport(store, QUERY)

      expect(namesIn(exported)).toEqual(['Patient/a', 'Patient/b', 'Patient/c'])
    })

    test('tells members that do not resolve, and exports the others', async () => {
      const { store } = await openStore()
      await put(store, patient('here'), patient('gone'), observation('o', 'never'))
      await put(store, group('g', ['Patient/here', 'Patient/gone', 'Patient/never', 'Group/none']))
      await remove(store, 'Patient/gone')

      const exported = await readExport(store, QUERY)

      expect(namesIn(exported)).toEqual(['Patient/here'])
      const unresolved = exported.outcomes.map((text) => /(?:Group|Patient)\/\w+/.exec(text)?.[0])
      expect(unresolved).toEqual(['Group/none', 'Patient/gone', 'Patient/never'])
    })

    test('tells of members that do not resolve even where there is nothing else', async () => {
      const { store } = await openStore()
      await put(store, group('g', ['Patient/never']), observation('o', 'never'))

      const exported = await readExport(store, QUERY)

      expect(exported.lines).toEqual([])
      expect(exported.outcomes).toHaveLength(1)
    })

    test('holds a resource of two members once, in however many partitions', async () => {
      const { store } = await openStore()
      const people = Array.from({ length: 9 }, (_, index) => `p${index}`)
      await put(store, ...people.map((id) => patient(id)), patient('out'))
      await put(
        store,
        group(
          'g',
          people.map((id) => `Patient/${id}`),
        ),
      )
      await put(
        store,
        observation('all', 'out', { performer: people.map((id) => ref(`Patient/${id}`)) }),
        observation('two', 'p1', { performer: [ref('Patient/p8')] }),
        ...people.map((id) => observation(`of-${id}`, id, { note: [{ text: 'x'.repeat(900) }] })),
      )

      const exported = await readExport(store, { ...QUERY, types: ['Observation'] })

      const slices = exported.partitions.filter(({ type }) => type === 'Observation')
      expect(slices.length).toBeGreaterThan(2)
      expect(exported.lines).toHaveLength(11)
      expect(exported.byName.size).toBe(11)
    })

    test('brings what the records refer to once and transitively, and nobody else’s', async () => {
      const { store } = await openStore()
      await put(
        store,
        patient('p', { managingOrganization: ref('Organization/top') }),
        patient('q'),
        group('g', ['Patient/p'], { managingEntity: ref('Organization/of-group') }),
        resource('Encounter/e', {
          subject: ref('Patient/p'),
          participant: [{ individual: ref('PractitionerRole/r') }],
        }),
        resource('PractitionerRole/r', {
          practitioner: ref('Practitioner/d'),
          organization: ref('Organization/leaf'),
        }),
        resource('Practitioner/d'),
        resource('Organization/leaf', { partOf: ref('Organization/middle') }),
        resource('Organization/middle', { partOf: ref('Organization/top') }),
        resource('Organization/top', { partOf: ref('Organization/leaf') }),
        resource('Organization/of-group'),
        resource('Organization/of-q'),
        resource('Practitioner/of-q'),
        observation('o', 'q', { performer: [ref('Practitioner/of-q'), ref('Organization/of-q')] }),
        observation('p', 'p', { performer: [ref('Practitioner/d'), ref('Practitioner/missing')] }),
      )

      const exported = await readExport(store, QUERY)

      expect(namesIn(exported)).toEqual([
        'Encounter/e',
        'Observation/p',
        'Organization/leaf',
        'Organization/middle',
        'Organization/top',
        'Patient/p',
        'Practitioner/d',
        'PractitionerRole/r',
      ])
      expect(exported.lines).toHaveLength(8)
    })

    test('does not follow Patient.link, and holds no Group', async () => {
      const { store } = await openStore()
      await put(
        store,
        patient('p', { link: [{ other: ref('Patient/q'), type: 'seealso' }] }),
        patient('q', { link: [{ other: ref('Patient/p'), type: 'seealso' }] }),
        observation('o', 'q'),
        group('g', ['Patient/p', 'Group/h']),
        group('h', ['Patient/p']),
      )

      expect(await namesOf(store)).toEqual(['Patient/p'])
      expect(await namesOf(store, { ...QUERY, types: ['Group'] })).toEqual([])
    })

    test.each(['before', 'after', 'in the same call as'])(
      'holds a Provenance that was written %s its target, and forgets who is no longer its',
      async (order) => {
        const { store } = await openStore()
        const agent = [{ who: ref('Organization/a') }]
        const provenance = resource('Provenance/v', { target: [ref('Observation/o')], agent })
        await put(store, patient('p'), patient('q'), group('g', ['Patient/p']))
        await put(store, group('h', ['Patient/q']), resource('Organization/a'))
        if (order === 'before') await put(store, provenance)
        if (order === 'in the same call as') await put(store, provenance, observation('o', 'p'))
        else await put(store, observation('o', 'p'))
        if (order === 'after') await put(store, provenance)

        const all = ['Observation/o', 'Organization/a', 'Patient/p', 'Provenance/v']
        expect(await namesOf(store)).toEqual(all)

        await put(store, observation('o', 'q'))

        expect(await namesOf(store)).toEqual(['Patient/p'])
        expect(await namesOf(store, { ...QUERY, groupId: 'h' })).toEqual([
          'Observation/o',
          'Organization/a',
          'Patient/q',
          'Provenance/v',
        ])
      },
    )

    test('leaves a Provenance its version when its target comes', async () => {
      const { store } = await openStore()
      const [written] = await put(
        store,
        resource('Provenance/v', { target: [ref('Observation/o')] }),
      )
      const { transactionTime } = await store.takeSnapshot()
      await put(store, patient('p'), observation('o', 'p'), group('g', ['Patient/p']))

      const delta = { sinceMs: transactionTime.getTime() }
      const system = await readExport(store, { level: 'system', ...delta })
      const found = await store.read('Provenance', 'v')

      expect(found).toEqual({ state: 'found', resource: written })
      expect(namesIn(system)).not.toContain('Provenance/v')
      expect(namesIn(await readExport(store, { ...QUERY, ...delta }))).toContain('Provenance/v')
    })

    test('takes a Provenance of itself', async () => {
      const { store } = await openStore()
      await put(store, patient('p'), group('g', ['Patient/p']))
      const target = [ref('Provenance/v'), ref('Patient/p')]

      await put(store, resource('Provenance/v', { target }))
      await put(store, resource('Provenance/v', { target, n: 2 }))

      expect(await namesOf(store)).toEqual(['Patient/p', 'Provenance/v'])
    })

    test('holds the types that were asked for only, members or not', async () => {
      const { store } = await openStore()
      await put(
        store,
        patient('p'),
        group('g', ['Patient/p']),
        observation('o', 'p', { performer: [ref('Practitioner/d')] }),
        resource('Practitioner/d'),
        resource('Binary/b'),
      )

      const ask = (type: 'Observation' | 'Practitioner' | 'Binary'): Promise<readonly string[]> =>
        namesOf(store, { ...QUERY, types: [type] })

      expect(await ask('Observation')).toEqual(['Observation/o'])
      expect(await ask('Practitioner')).toEqual(['Practitioner/d'])
      expect(await ask('Binary')).toEqual([])
    })
  })
}

async function namesOf(
  store: ResourceStore,
  query: Parameters<typeof readExport>[1] = QUERY,
): Promise<readonly string[]> {
  return namesIn(await readExport(store, query))
}

/** Sorted; a name that is there twice is there twice. */
export function namesIn({ lines }: Exported): readonly string[] {
  return lines.map(({ name }) => name).toSorted()
}
