import { quote, type Json } from '../json-text.ts'
import { patientsOfPractice, type PopulationPlan } from '../population-plan.ts'
import { identifyPerson } from '../story/person.ts'
import type { Surroundings } from '../surroundings.ts'

/** How many members one piece of a roster holds at most. */
const MEMBERS_PER_PIECE = 500
const TENTH = 10

/**
 * The Groups of a population, as pieces of text: a roster can be long, and is never held as a whole.
 * The last piece of each Group ends with a line feed.
 */
export function* groupPieces(surroundings: Surroundings): Generator<string> {
  const { plan, payers, practices } = surroundings
  for (const [index, payer] of payers.entries()) {
    const name = `Members of ${payer.name}`
    yield* group(
      { id: `payer-${index}`, name, managingEntity: payer.reference },
      membersOf(plan, patientsOfPayer(plan, index)),
    )
  }
  for (let index = 0; index < plan.practices; index += 1) {
    const practice = practices.practice(index)
    yield* group(
      {
        id: `practice-${index}`,
        name: `Patients of ${practice.name}`,
        managingEntity: practice.reference,
      },
      membersOf(plan, patientsOfPractice(plan, index)),
    )
  }
  yield* group(
    { id: 'ten-percent', name: 'Every tenth patient' },
    membersOf(plan, everyTenth(plan)),
  )
  yield* group(
    { id: 'former-members', name: 'A member, an inactive one, and one whose time is over' },
    formerMembers(plan),
  )
  yield* group({ id: 'nested', name: 'Groups in a group, and a patient' }, nestedMembers(plan))
  yield* group({ id: 'empty', name: 'Nobody' }, [])
}

interface GroupFacts {
  /** Readable, and the same in every population. */
  readonly id: string
  readonly name: string
  /** A Reference. */
  readonly managingEntity?: Json
}

function* group(facts: GroupFacts, members: Iterable<Json>): Generator<string> {
  const managed =
    facts.managingEntity === undefined ? '' : `,"managingEntity":${facts.managingEntity}`
  let piece =
    `{"resourceType":"Group","id":"${facts.id}",` +
    `"identifier":[{"system":"http://practice.example.org/group","value":"${facts.id}"}],` +
    `"active":true,"type":"person","actual":true,"name":${quote(facts.name)}${managed}`
  let count = 0
  for (const member of members) {
    piece += count === 0 ? `,"member":[${member}` : `,${member}`
    count += 1
    if (count % MEMBERS_PER_PIECE !== 0) continue
    yield piece
    piece = ''
  }
  yield `${piece}${count === 0 ? '' : ']'},"quantity":${count}}\n`
}

function* membersOf(plan: PopulationPlan, patients: Iterable<number>): Generator<Json> {
  for (const patient of patients) yield `{"entity":${patientReference(plan, patient)}}`
}

function* patientsOfPayer(plan: PopulationPlan, payer: number): Generator<number> {
  for (let patient = 0; patient < plan.patients; patient += 1) {
    if (identifyPerson(plan, patient).payer === payer) yield patient
  }
}

function* everyTenth(plan: PopulationPlan): Generator<number> {
  for (let patient = 0; patient < plan.patients; patient += TENTH) yield patient
}

/** Patient 0 is a member, patient 1 is inactive, and the membership of patient 2 is over. */
function* formerMembers(plan: PopulationPlan): Generator<Json> {
  const states = [
    ',"period":{"start":"2015-01-01"}',
    ',"inactive":true',
    ',"period":{"start":"1990-01-01","end":"1999-12-31"}',
  ]
  for (const [patient, state] of states.entries()) {
    if (patient < plan.patients) yield `{"entity":${patientReference(plan, patient)}${state}}`
  }
}

function* nestedMembers(plan: PopulationPlan): Generator<Json> {
  yield '{"entity":{"reference":"Group/ten-percent"}}'
  yield '{"entity":{"reference":"Group/former-members"}}'
  yield `{"entity":${patientReference(plan, Math.min(4, plan.patients - 1))}}`
}

function patientReference(plan: PopulationPlan, patient: number): Json {
  return `{"reference":"Patient/${identifyPerson(plan, patient).id}"}`
}
