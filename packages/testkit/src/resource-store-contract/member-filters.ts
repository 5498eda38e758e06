import type { ResourceStore, WriteResult } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { readExport } from './exported.ts'
import { namesIn } from './groups.ts'
import {
  group,
  observation,
  patient,
  put,
  putOperation,
  ref,
  remove,
  resource,
} from './resources.ts'
import type { Fhir } from './resources.ts'
import type { OpenStore } from './store-fixture.ts'

const QUERY = { level: 'group', groupId: 'g', types: ['Patient'] } as const
const URL = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter'

/** A Group whose members searches select; `members` empty stands for a selection from everybody. */
export function cohort(
  id: string,
  filters: readonly string[],
  members: readonly (string | object)[] = [],
): Fhir {
  const { member, ...plain } = group(id, members)
  return {
    ...plain,
    name: 'Cohort',
    actual: members.length > 0,
    ...(members.length > 0 && { member }),
    modifierExtension: filters.map((expression) => ({
      url: URL,
      valueExpression: { language: 'application/x-fhir-query', expression },
    })),
  }
}

function condition(id: string, patientId: string, code: string): Fhir {
  return resource(`Condition/${id}`, {
    subject: ref(`Patient/${patientId}`),
    code: { coding: [{ code }] },
  })
}

const PEOPLE = [
  patient('a', { gender: 'female' }),
  patient('b', { gender: 'female' }),
  patient('c', { gender: 'male' }),
  patient('d', { gender: 'male' }),
  condition('ca', 'a', 'E11'),
  condition('cb', 'b', 'E11'),
  condition('cc', 'c', 'E11'),
  observation('oa', 'a', { status: 'final' }),
  observation('oc', 'c', { status: 'final', performer: [ref('Patient/d')] }),
]

/** Groups whose members are selected by searches, as the Bulk Cohort profile has them. */
export function memberFilterTests(openStore: OpenStore): void {
  describe('member filters of a Group', () => {
    test.each<[string, readonly Fhir[], string]>([
      ['of one search over Patient', [cohort('g', ['Patient?gender=female'])], 'a b'],
      ['of a search over the compartment', [cohort('g', ['Condition?code=E11'])], 'a b c'],
      ['for everybody', [cohort('g', ['Patient'])], 'a b c d'],
      ['that nobody meets', [cohort('g', ['Condition?code=none'])], ''],
      [
        'have to be met all, each by some resource',
        [cohort('g', ['Condition?code=E11', 'Observation?status=final', 'Patient?gender=female'])],
        'a',
      ],
      ['take everybody whose compartment a match is in', [cohort('g', ['Observation'])], 'a c d'],
      ['follow a chain', [cohort('g', ['Condition?code=E11&subject:Patient.gender=male'])], 'c'],
      [
        'select from the members alone',
        [cohort('g', ['Condition?code=E11'], ['Patient/b', 'Patient/d', 'Patient/none'])],
        'b',
      ],
      [
        'leave out members who are not active',
        [
          cohort(
            'g',
            ['Condition?code=E11'],
            ['Patient/b', { entity: ref('Patient/a'), inactive: true }],
          ),
        ],
        'b',
      ],
      [
        'select from the members of nested Groups',
        [
          cohort('g', ['Patient?gender=female'], ['Group/h']),
          group('h', ['Patient/a', 'Patient/c']),
        ],
        'a',
      ],
      [
        'of nested Groups hold in the Group around them',
        [
          group('g', ['Group/h', 'Patient/d']),
          cohort('h', ['Condition?code=E11'], ['Group/i', 'Patient/d']),
          cohort('i', ['Patient?gender=female']),
        ],
        'a b d',
      ],
      [
        'survive a cycle of Groups',
        [
          cohort('g', ['Condition?code=E11'], ['Group/h', 'Patient/a']),
          cohort('h', ['Patient?gender=female'], ['Group/g', 'Patient/b', 'Patient/c']),
        ],
        'a b',
      ],
    ])('%s', async (_, groups, expected) => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, ...groups)

      const exported = await readExport(store, QUERY)

      const names = expected === '' ? [] : expected.split(' ').map((id) => `Patient/${id}`)
      expect(namesIn(exported)).toEqual(names)
    })

    test('export nothing at all, once the Group has lost its last member', async () => {
      const { store } = await openStore()
      const lost = { ...cohort('g', ['Patient'], ['Patient/a']), member: [] }
      await put(store, ...PEOPLE, resource('Practitioner/x'))
      for (const one of [lost, cohort('g', ['Condition?code=none'])]) {
        await put(store, one)
        const full = await readExport(store, { level: 'group', groupId: 'g' })
        const delta = await readExport(store, { level: 'group', groupId: 'g', sinceMs: 0 })

        expect([...namesIn(full), ...namesIn(delta)]).toEqual([])
        expect(full.partitions.filter(({ kind }) => kind === 'output')).toEqual([])
      }
    })

    test('select from all patients where no members are given, whatever actual says', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE)
      const selected: (readonly string[])[] = []
      for (const actual of [false, true]) {
        await put(store, { ...cohort('g', ['Patient']), actual })
        selected.push(namesIn(await readExport(store, { level: 'group', groupId: 'g' })))
      }

      expect(selected[0]?.length).toBeGreaterThan(1)
      expect(selected[1]).toEqual(selected[0])
    })

    test('are evaluated as of the snapshot, on every connection, before and after pruning', async () => {
      const { store, connect } = await openStore()
      await put(store, ...PEOPLE, cohort('g', ['Condition?code=E11']))
      const snapshot = await store.takeSnapshot()
      await put(store, condition('cd', 'd', 'E11'), condition('ca', 'a', 'X'))
      await remove(store, 'Condition/cb')
      const planned = await readExport(store, QUERY, { snapshot })
      await store.prune(snapshot.transactionTime)

      const again = await readExport(await connect(), QUERY, { snapshot })
      const now = await readExport(store, QUERY)
      await remove(store, 'Group/g')

      expect(namesIn(planned)).toEqual(['Patient/a', 'Patient/b', 'Patient/c'])
      expect(namesIn(again)).toEqual(namesIn(planned))
      expect(namesIn(now)).toEqual(['Patient/c', 'Patient/d'])
      expect(namesIn(await readExport(store, QUERY))).toEqual([])
    })

    test('with _since, give the full history of those who came to meet them', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, cohort('g', ['Condition?code=E11']))
      const before = await store.takeSnapshot()
      await put(store, condition('cd', 'd', 'E11'), observation('of-a', 'a'))
      const query = { ...QUERY, types: ['Patient', 'Observation'] as const }

      const delta = await readExport(store, {
        ...query,
        sinceMs: before.transactionTime.getTime(),
      })

      expect(namesIn(delta)).toEqual(['Observation/oc', 'Observation/of-a', 'Patient/d'])
    })

    test('hold for patients who are named, too', async () => {
      const { store } = await openStore()
      await put(store, ...PEOPLE, cohort('g', ['Patient?gender=female']))
      const query = { ...QUERY, patientIds: ['a', 'c', 'none'] }
      const snapshot = await store.takeSnapshot()

      const exported = await readExport(store, query, { snapshot })

      expect(namesIn(exported)).toEqual(['Patient/a'])
      expect(await store.missingPatients(query, snapshot)).toEqual(['c', 'none'])
    })

    test.each<[string, object, RegExp]>([
      ['an unknown parameter', filter('Patient?shoe-size=44'), /shoe-size/],
      ['a result parameter', filter('Patient?_sort=name'), /_sort/],
      ['all types', filter('?code=1'), /all resource types/],
      ['a compartment', filter('Patient/a/Observation?code=1'), /compartment/],
      ['a type outside the compartment', filter('Practitioner?active=true'), /compartment/],
      ['another language', filter('Patient', 'text/cql'), /x-fhir-query/],
      ['no expression', { modifierExtension: [{ url: URL }] }, /valueExpression/],
      ['no name', { name: undefined }, /name/],
      ['a characteristic', { characteristic: [] }, /characteristic/],
      ['another type', { type: 'device' }, /type/],
      ['members that it says it has not', { member: [{ entity: ref('Patient/a') }] }, /actual/],
      ['no word about members', { actual: undefined }, /actual/],
      [
        'a time of refreshing',
        { extension: [{ url: URL.replace('member-filter', 'members-refreshed') }] },
        /members-refreshed/,
      ],
    ])('with %s are refused', async (_, rest, message) => {
      const { store } = await openStore()

      const result = await write(store, { ...cohort('g', ['Patient']), ...rest })

      expect(result).toMatchObject({ state: 'invalid', issue: { severity: 'error' } })
      expect(result?.state === 'invalid' && result.issue.diagnostics).toMatch(message)
    })
  })
}

function filter(expression: string, language = 'application/x-fhir-query'): object {
  return { modifierExtension: [{ url: URL, valueExpression: { language, expression } }] }
}

async function write(store: ResourceStore, one: Fhir): Promise<WriteResult | undefined> {
  return (await store.write([putOperation(one)]))[0]
}
