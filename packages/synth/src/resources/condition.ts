import { formatDay } from '../calendar.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Person } from '../story/person.ts'
import type { Problem } from '../story/story.ts'

const ACTIVE = hl7Concept('condition-clinical', 'active', 'Active')
const RESOLVED = hl7Concept('condition-clinical', 'resolved', 'Resolved')
const CONFIRMED = hl7Concept('condition-ver-status', 'confirmed', 'Confirmed')
const PROBLEM_LIST = hl7Concept('condition-category', 'problem-list-item', 'Problem List Item')
const ENCOUNTER_DIAGNOSIS = hl7Concept(
  'condition-category',
  'encounter-diagnosis',
  'Encounter Diagnosis',
)

/** A disease of a person as Condition. */
export function condition(person: Person, problem: Problem): Json {
  const { visit, isChronic, resolvedDay } = problem
  return (
    `{"resourceType":"Condition","id":"${problem.id}",` +
    `"meta":${usCore(isChronic ? 'condition-problems-health-concerns' : 'condition-encounter-diagnosis')},` +
    `"clinicalStatus":${resolvedDay === undefined ? ACTIVE : RESOLVED},` +
    `"verificationStatus":${CONFIRMED},` +
    `"category":[${isChronic ? PROBLEM_LIST : ENCOUNTER_DIAGNOSIS}],` +
    `"code":${problem.condition.concept},"subject":${person.subject},` +
    `"encounter":${visit.reference},"onsetDateTime":"${visit.startText}",` +
    (resolvedDay === undefined ? '' : `"abatementDateTime":"${formatDay(resolvedDay)}",`) +
    `"recordedDate":"${visit.startText}","recorder":${visit.doctor.reference},` +
    `"asserter":${visit.doctor.reference}}`
  )
}
