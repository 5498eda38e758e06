import { formatDateTime } from '../calendar.ts'
import {
  CHEST_X_RAY,
  DIAGNOSTIC_PROCEDURES,
  MEDICATION_RECONCILIATION,
  SCREENING_PROCEDURES,
  type ProcedureCode,
} from '../codes/procedures.ts'
import { usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Story, Visit } from '../story/story.ts'
import type { Chart } from './chart.ts'
import { chestReport } from './imaging-report.ts'

/** Does at a visit what suits it, and charges it. */
export function doProcedures(chart: Chart, story: Story): void {
  for (const code of chooseProcedures(story, chart.visit)) {
    const id = story.random.uuid()
    chart.add('Procedure', procedure(story, chart.visit, { id, code }))
    chart.charges.push({ concept: code.concept, cents: code.cents })
    if (code === CHEST_X_RAY) chart.add('DiagnosticReport', chestReport(story, chart.visit))
  }
}

function chooseProcedures(story: Story, visit: Visit): readonly ProcedureCode[] {
  const { random } = story
  const chosen: ProcedureCode[] = []
  if (visit.followsUp.length > 0 && random.chance(500)) chosen.push(MEDICATION_RECONCILIATION)
  if (!visit.kind.isInPerson) return chosen
  const offered = visit.kind.name === 'check-up' ? SCREENING_PROCEDURES : DIAGNOSTIC_PROCEDURES
  const suitable = offered.filter(
    (code) =>
      visit.age >= code.minimumAge &&
      (code.onlyFor === undefined || code.onlyFor === story.person.sex),
  )
  if (suitable.length > 0 && random.chance(450)) chosen.push(random.pick(suitable))
  if (isHospital(visit) && random.chance(500)) chosen.push(CHEST_X_RAY)
  return chosen
}

function isHospital(visit: Visit): boolean {
  return visit.location.isHospital
}

function procedure(
  story: Story,
  visit: Visit,
  facts: { readonly id: string; readonly code: ProcedureCode },
): Json {
  const { person } = story
  // The shortest visit takes ten minutes: the procedure lies within it.
  const start = formatDateTime(visit.start + 120, person.zone)
  const end = formatDateTime(visit.start + 540, person.zone)
  const reason = [...visit.diagnoses, ...visit.followsUp][0]
  return (
    `{"resourceType":"Procedure","id":"${facts.id}","meta":${usCore('procedure')},` +
    `"status":"completed","code":${facts.code.concept},"subject":${person.subject},` +
    `"encounter":${visit.reference},"performedPeriod":{"start":"${start}","end":"${end}"},` +
    `"performer":[{"actor":${visit.doctor.reference},"onBehalfOf":${person.practice.reference}}],` +
    `"location":${visit.location.reference}` +
    (reason === undefined ? '}' : `,"reasonReference":[${reason.reference}]}`)
  )
}
