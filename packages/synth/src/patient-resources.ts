import type { LaboratoryPanel } from './codes/laboratory.ts'
import { BLOOD_COUNT, COMPREHENSIVE_METABOLIC, LIPIDS } from './codes/laboratory.ts'
import type { PopulationResource } from './population-resource.ts'
import { Random } from './random.ts'
import { allergies } from './resources/allergy-intolerance.ts'
import { carePlan, goal } from './resources/care-plan.ts'
import { careTeam } from './resources/care-team.ts'
import { Chart } from './resources/chart.ts'
import { condition } from './resources/condition.ts'
import { coverage } from './resources/coverage.ts'
import { patientDevices } from './resources/device.ts'
import { documentReference } from './resources/document-reference.ts'
import { encounter } from './resources/encounter.ts'
import { explanationOfBenefit } from './resources/explanation-of-benefit.ts'
import { vaccinate, type VaccinationCard } from './resources/immunization.ts'
import { runPanel } from './resources/laboratory.ts'
import { prescribe } from './resources/medication-request.ts'
import { patient } from './resources/patient.ts'
import { doProcedures } from './resources/procedure.ts'
import { provenance } from './resources/provenance.ts'
import { interview, vitalSigns } from './resources/vital-signs.ts'
import { drawBuild, type Build } from './story/body.ts'
import { derivePerson } from './story/person.ts'
import { composeStory, type Story, type Visit } from './story/story.ts'
import type { Surroundings } from './surroundings.ts'

const NOTE_PER_MILLE = 650

/** All resources of one patient, the Patient first. */
export function patientResources(
  surroundings: Surroundings,
  number: number,
): readonly PopulationResource[] {
  const { plan, practices, payers } = surroundings
  const person = derivePerson(plan, number, {
    practice: (index) => practices.practice(index),
    payers,
  })
  const story = composeStory(person, new Random(plan.seed, 'story', number))
  const resources: PopulationResource[] = [{ type: 'Patient', line: patient(person, story.random) }]
  const coverageId = addCoverages(story, resources)
  addCare(story, resources)
  const build = drawBuild(person, story.random)
  const card: VaccinationCard = new Map()
  for (const visit of story.visits) {
    addVisit({ story, visit, build, card, coverageId, surroundings }, resources)
  }
  return resources
}

/** Returns the id of the Coverage that pays for the visits; some people had another one before. */
function addCoverages(story: Story, resources: PopulationResource[]): string {
  const { person, random, visits } = story
  const id = random.uuid()
  const startDay = Math.max(person.birthDay, (visits[0]?.day ?? person.lastDay) - random.below(400))
  resources.push({
    type: 'Coverage',
    line: coverage(story, { id, startDay, endDay: person.deathDay }),
  })
  const earlierId = random.uuid()
  const earlierStart = startDay - random.between(400, 1500)
  if (random.chance(250) && earlierStart > person.birthDay) {
    resources.push({
      type: 'Coverage',
      line: coverage(story, { id: earlierId, startDay: earlierStart, endDay: startDay - 1 }),
    })
  }
  return id
}

/** What stands outside single visits: allergies, devices, team, plans and goals. */
function addCare(story: Story, resources: PopulationResource[]): void {
  const { random, problems, visits } = story
  const first = visits[0]
  if (first === undefined) return
  const careTeamId = random.uuid()
  resources.push({ type: 'CareTeam', line: careTeam(story, careTeamId, first) })
  for (const line of allergies(story)) resources.push({ type: 'AllergyIntolerance', line })
  for (const line of patientDevices(story)) resources.push({ type: 'Device', line })
  for (const problem of problems) {
    const plan = problem.condition.carePlan
    if (plan === undefined) continue
    const ids = { carePlan: random.uuid(), careTeam: careTeamId, goal: random.uuid() }
    resources.push({ type: 'Goal', line: goal(story, { problem, plan }, ids.goal) })
    resources.push({ type: 'CarePlan', line: carePlan(story, { problem, plan }, ids) })
  }
}

interface VisitFacts {
  readonly story: Story
  readonly visit: Visit
  readonly build: Build
  readonly card: VaccinationCard
  readonly coverageId: string
  readonly surroundings: Surroundings
}

function addVisit(facts: VisitFacts, resources: PopulationResource[]): void {
  const { story, visit, build, card, coverageId, surroundings } = facts
  const { person, random } = story
  const chart = new Chart(visit, resources)
  chart.add('Encounter', encounter(person, visit))
  for (const problem of visit.diagnoses) {
    chart.add('Condition', condition(person, problem))
    chart.provenanceTargets.push(`{"reference":"Condition/${problem.id}"}`)
  }
  if (visit.kind.isInPerson) {
    for (const line of vitalSigns(story, visit, build)) chart.add('Observation', line)
  }
  for (const line of interview(story, visit)) chart.add('Observation', line)
  for (const order of panelsOf(facts)) runPanel(chart, story, order)
  doProcedures(chart, story)
  vaccinate(chart, story, card)
  prescribe(chart, story, surroundings)
  if (random.chance(NOTE_PER_MILLE)) {
    const id = random.uuid()
    chart.add('DocumentReference', documentReference(story, visit, id))
    chart.provenanceTargets.push(`{"reference":"DocumentReference/${id}"}`)
  }
  chart.add('ExplanationOfBenefit', explanationOfBenefit(story, chart, coverageId))
  chart.add('Provenance', provenance(story, chart))
}

/** The panels of a visit: those of its diseases, and at check-ups of adults the usual ones. */
function panelsOf({
  story,
  visit,
}: VisitFacts): readonly { readonly panel: LaboratoryPanel; readonly isDisturbed: boolean }[] {
  if (!visit.kind.isInPerson) return []
  const { random } = story
  const ofDiseases = new Set(
    [...visit.diagnoses, ...visit.followsUp].flatMap((problem) => problem.condition.panels),
  )
  const panels = new Set(ofDiseases)
  if (visit.kind.name === 'check-up' && visit.age >= 18) {
    if (random.chance(700)) panels.add(COMPREHENSIVE_METABOLIC)
    if (random.chance(600)) panels.add(LIPIDS)
    if (random.chance(500)) panels.add(BLOOD_COUNT)
  }
  if (visit.kind.name === 'inpatient') panels.add(BLOOD_COUNT).add(COMPREHENSIVE_METABOLIC)
  return [...panels].map((panel) => ({ panel, isDisturbed: ofDiseases.has(panel) }))
}
