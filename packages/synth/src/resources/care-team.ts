import { coding, concept, type Json } from '../json-text.ts'
import { SNOMED_CT, usCore } from '../codes/systems.ts'
import type { Story, Visit } from '../story/story.ts'

const PATIENT = role('116153009', 'Patient')
const PRIMARY_CARE = role('446050000', 'Primary care provider')
const SERVICES = role('224891009', 'Healthcare services')

function role(code: string, display: string): Json {
  return concept([coding(SNOMED_CT, code, display)], display)
}

/** The people who look after a person as CareTeam; it begins with the first visit. */
export function careTeam(story: Story, id: string, first: Visit): Json {
  const { person, problems } = story
  const end = person.deathDay === undefined ? '' : `,"end":"${lastVisit(story, first).endText}"`
  const reasons = problems
    .filter((problem) => problem.isChronic)
    .map((problem) => problem.reference)
    .join(',')
  return (
    `{"resourceType":"CareTeam","id":"${id}","meta":${usCore('careteam')},` +
    `"status":"${person.deathDay === undefined ? 'active' : 'inactive'}",` +
    `"name":"Primary care team","subject":${person.subject},` +
    `"period":{"start":"${first.startText}"${end}},` +
    `"participant":[{"role":[${PATIENT}],"member":${person.subject}},` +
    `{"role":[${PRIMARY_CARE}],"member":${person.doctor.reference},` +
    `"onBehalfOf":${person.practice.reference}},` +
    `{"role":[${SERVICES}],"member":${person.practice.reference}}],` +
    (reasons === '' ? '' : `"reasonReference":[${reasons}],`) +
    `"managingOrganization":[${person.practice.reference}]}`
  )
}

function lastVisit(story: Story, first: Visit): Visit {
  return story.visits.at(-1) ?? first
}
