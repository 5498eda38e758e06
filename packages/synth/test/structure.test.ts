import { expect, test } from 'vitest'
import { generatePopulation } from '../src/index.ts'
import { POPULATION_TYPES } from '../src/population-resource.ts'
import { findCodingProblem, findStructureProblems, type CodingText } from './r4-structure.ts'

test('every resource is structurally valid R4, and every type occurs', { timeout: 60_000 }, () => {
  const problems = new Map<string, number>()
  const types = new Set<string>()

  for (const { type, line } of generatePopulation({ patients: 30, seed: 'structure' })) {
    types.add(type)
    for (const problem of findStructureProblems(parse(line))) {
      problems.set(problem, (problems.get(problem) ?? 0) + 1)
    }
  }

  expect(Object.fromEntries(problems)).toEqual({})
  expect([...types].sort()).toEqual([...POPULATION_TYPES].sort())
})

test('the codes of HL7 code systems exist and carry their displays', () => {
  const codings = new Map<string, CodingText>()

  for (const { line } of generatePopulation({ patients: 30, seed: 'codes' })) {
    collectCodings(parse(line), codings)
  }

  const known = [...codings.values()].filter(({ system }) => system.includes('hl7.org'))
  expect(known.length).toBeGreaterThan(60)
  expect([...codings.values()].flatMap((coding) => findCodingProblem(coding) ?? [])).toEqual([])
  expect(findCodingProblem({ ...A_CODE, display: 'Resolved' })).toContain('"Active"')
  expect(findCodingProblem({ ...A_CODE, code: 'unheard-of' })).toContain('has no code')
})

const A_CODE: CodingText = {
  system: 'http://terminology.hl7.org/CodeSystem/condition-clinical',
  code: 'active',
  display: 'Active',
}

function collectCodings(value: unknown, codings: Map<string, CodingText>): void {
  if (typeof value !== 'object' || value === null) return
  const { system, code, display } = value as Partial<Record<string, unknown>>
  if (typeof system === 'string' && typeof code === 'string' && !('value' in value)) {
    const text = typeof display === 'string' ? display : undefined
    codings.set(JSON.stringify([system, code, text]), { system, code, display: text })
  }
  for (const child of Object.values(value)) collectCodings(child, codings)
}

test('the check itself finds what is wrong', () => {
  const broken = {
    resourceType: 'Encounter',
    id: 'not an id',
    status: 'over',
    colour: 'green',
    type: { text: 'not a list' },
    subject: { reference: 'Practitioner/1' },
    period: { start: '2021-13-01' },
    length: { value: '1.50' },
  }

  const problems = findStructureProblems(broken)

  expect(problems.sort()).toEqual([
    'Duration.value: not a number',
    'Encounter.class: missing',
    'Encounter.colour: no such element',
    'Encounter.id: not a id',
    'Encounter.status: not a code of http://hl7.org/fhir/ValueSet/encounter-status|4.0.1',
    'Encounter.subject: may not refer to Practitioner',
    'Encounter.type: not a list',
    'Period.start: not a dateTime',
  ])
})

function parse(line: string): Readonly<Record<string, unknown>> {
  return JSON.parse(line) as Readonly<Record<string, unknown>>
}
