import { expect, test } from 'vitest'
import { planPopulation } from '../src/population-plan.ts'
import { groupPieces } from '../src/resources/group.ts'
import { deriveSurroundings } from '../src/surroundings.ts'
import { at, listAt, parsePopulation, textAt, type Parsed } from './population.ts'

const population = parsePopulation({ patients: 60, seed: 'groups' })
const patients = population.filter(({ type }) => type === 'Patient')
const groups = groupsOf(population)

test('the ids of Groups are readable and always the same', () => {
  expect([...manyRosters().keys()]).toEqual([
    'payer-0',
    'payer-1',
    'payer-2',
    'payer-3',
    'payer-4',
    'practice-0',
    'practice-1',
    'practice-2',
    'practice-3',
    'ten-percent',
    'former-members',
    'nested',
    'empty',
  ])
})

test('each patient is in the Group of his payer and in that of his practice', () => {
  for (const [prefix, payerOrPractice] of [
    ['payer-', payerOf],
    ['practice-', practiceOf],
  ] as const) {
    const rosters = [...groups].filter(([id]) => id.startsWith(prefix))
    const seen = new Set<string>()
    for (const [, group] of rosters) {
      for (const member of membersOf(group)) {
        expect(seen.has(member)).toBe(false)
        seen.add(member)
        expect(payerOrPractice(member)).toBe(textAt(group, 'managingEntity', 'reference'))
      }
    }
    expect(seen.size).toBe(patients.length)
  }
})

test('every tenth patient is in the Group of ten percent', () => {
  const expected = patients.filter((_, index) => index % 10 === 0).map(({ id }) => `Patient/${id}`)

  expect(membersOf(groups.get('ten-percent'))).toEqual(expected)
})

test('one member is inactive, and the time of another is over', () => {
  const [active, inactive, ended] = listAt(groups.get('former-members'), 'member')

  expect(at(active, 'inactive')).toBeUndefined()
  expect(at(active, 'period', 'end')).toBeUndefined()
  expect(at(inactive, 'inactive')).toBe(true)
  expect(textAt(ended, 'period', 'end')).toBe('1999-12-31')
})

test('one Group holds Groups, and one holds nobody', () => {
  expect(membersOf(groups.get('nested')).slice(0, 2)).toEqual([
    'Group/ten-percent',
    'Group/former-members',
  ])
  expect(groups.get('empty')).not.toHaveProperty('member')
  expect(at(groups.get('empty'), 'quantity')).toBe(0)
})

test('the quantity of a Group is the number of its members, of long rosters too', () => {
  const rosters = manyRosters()

  for (const group of [...groups.values(), ...rosters.values()]) {
    expect(at(group, 'quantity')).toBe(membersOf(group).length)
  }
  for (const prefix of ['payer-', 'practice-']) {
    const members = [...rosters]
      .filter(([id]) => id.startsWith(prefix))
      .flatMap(([, group]) => membersOf(group))
    expect(new Set(members).size).toBe(1601)
  }
})

test.each([1, 2, 3])('Groups of %i patients name only patients that are there', (count) => {
  const few = parsePopulation({ patients: count })
  const keys = new Set(few.map(({ type, id }) => `${type}/${id}`))

  for (const { type, resource } of few) {
    if (type !== 'Group') continue
    for (const member of membersOf(resource)) expect(keys).toContain(member)
  }
})

function groupsOf(parsed: readonly Parsed[]): ReadonlyMap<string, Parsed['resource']> {
  return new Map(
    parsed.filter(({ type }) => type === 'Group').map(({ id, resource }) => [id, resource]),
  )
}

/** The Groups alone of 1,601 patients, who have four practices. */
function manyRosters(): ReadonlyMap<string, Parsed['resource']> {
  const surroundings = deriveSurroundings(planPopulation({ patients: 1601 }))
  const lines = [...groupPieces(surroundings)].join('').trimEnd().split('\n')
  const resources = lines.map((line) => JSON.parse(line) as Parsed['resource'])
  return new Map(resources.map((resource) => [textAt(resource, 'id'), resource]))
}

function membersOf(group: Parsed['resource'] | undefined): readonly string[] {
  return listAt(group, 'member').map((member) => textAt(member, 'entity', 'reference'))
}

const payers = new Map(
  population
    .filter(({ type }) => type === 'Coverage')
    .map(({ resource }) => [
      textAt(resource, 'beneficiary', 'reference'),
      textAt(resource, 'payor', 0, 'reference'),
    ]),
)
const practices = new Map(
  patients.map(({ id, resource }) => [
    `Patient/${id}`,
    textAt(resource, 'managingOrganization', 'reference'),
  ]),
)

function payerOf(patient: string): string | undefined {
  return payers.get(patient)
}

function practiceOf(patient: string): string | undefined {
  return practices.get(patient)
}
