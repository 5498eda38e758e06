import { hl7, hl7Concept, usCore } from '../codes/systems.ts'
import { coding, concept, type Json } from '../json-text.ts'
import type { Person } from '../story/person.ts'
import type { Problem, Visit } from '../story/story.ts'

const PRIMARY_PERFORMER = concept([
  coding(hl7('v3-ParticipationType'), 'PPRF', 'primary performer'),
])
const BILLING = hl7Concept('diagnosis-role', 'billing', 'Billing')
const DISCHARGED_HOME = hl7Concept('discharge-disposition', 'home', 'Home')

/** A visit as Encounter. */
export function encounter(person: Person, visit: Visit): Json {
  const { kind, doctor, location, startText, endText } = visit
  const period = `{"start":"${startText}","end":"${endText}"}`
  return (
    `{"resourceType":"Encounter","id":"${visit.id}","meta":${usCore('encounter')},` +
    `"identifier":[{"use":"official","system":"http://practice.example.org/encounter",` +
    `"value":"${visit.id.slice(0, 13)}"}],"status":"finished","class":${kind.class},` +
    `"type":[${kind.type}],"subject":${person.subject},` +
    `"participant":[{"type":[${PRIMARY_PERFORMER}],"period":${period},` +
    `"individual":${doctor.reference}}],"period":${period},` +
    reasons([...visit.diagnoses, ...visit.followsUp]) +
    (kind.name === 'inpatient'
      ? `"hospitalization":{"dischargeDisposition":${DISCHARGED_HOME}},`
      : '') +
    `"location":[{"location":${location.reference},"status":"completed"}],` +
    `"serviceProvider":${person.practice.reference}}`
  )
}

function reasons(problems: readonly Problem[]): Json {
  if (problems.length === 0) return ''
  const concepts = problems.map((problem) => problem.condition.concept).join(',')
  const diagnoses = problems
    .map(
      (problem, index) => `{"condition":${problem.reference},"use":${BILLING},"rank":${index + 1}}`,
    )
    .join(',')
  return `"reasonCode":[${concepts}],"diagnosis":[${diagnoses}],`
}
