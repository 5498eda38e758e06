import type { MedicationCode } from '../codes/medications.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import { quote, type Json } from '../json-text.ts'
import type { Problem, Story, Visit } from '../story/story.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Chart } from './chart.ts'

const OUTPATIENT = hl7Concept('medicationrequest-category', 'outpatient', 'Outpatient')
const BY_REFERENCE_PER_MILLE = 400
const RENEWED_PER_MILLE = 600

/** A prescription for a problem. */
interface Prescription {
  readonly problem: Problem
  readonly medication: MedicationCode
}

/** Prescribes at a visit what its problems need. */
export function prescribe(chart: Chart, story: Story, surroundings: Surroundings): void {
  for (const prescription of choosePrescriptions(chart.visit, story)) {
    chart.add(
      'MedicationRequest',
      medicationRequest(story, chart.visit, {
        ...prescription,
        reference: surroundings.medicationReference(prescription.medication),
      }),
    )
  }
}

function choosePrescriptions(visit: Visit, { random }: Story): readonly Prescription[] {
  const prescriptions: Prescription[] = []
  const first = visit.diagnoses
  const renewed = visit.followsUp.filter(() => random.chance(RENEWED_PER_MILLE))
  for (const problem of [...first, ...renewed]) {
    const { medications } = problem.condition
    if (medications.length === 0) continue
    const count = random.chance(300) ? Math.min(2, medications.length) : 1
    const offset = random.below(medications.length)
    for (let index = 0; index < count; index += 1) {
      const medication = medications[(offset + index) % medications.length]
      if (medication !== undefined) prescriptions.push({ problem, medication })
    }
  }
  return prescriptions
}

function medicationRequest(
  story: Story,
  visit: Visit,
  facts: Prescription & { readonly reference: Json },
): Json {
  const { person, random } = story
  const { problem, medication } = facts
  const days = problem.isChronic ? 90 : 10
  const isOver = !problem.isChronic || visit.day + days * 4 < person.lastDay
  const isDead = person.deathDay !== undefined
  return (
    `{"resourceType":"MedicationRequest","id":"${random.uuid()}",` +
    `"meta":${usCore('medicationrequest')},` +
    `"status":"${isOver ? 'completed' : isDead ? 'stopped' : 'active'}","intent":"order",` +
    `"category":[${OUTPATIENT}],"reportedBoolean":false,` +
    (random.chance(BY_REFERENCE_PER_MILLE)
      ? `"medicationReference":${facts.reference},`
      : `"medicationCodeableConcept":${medication.concept},`) +
    `"subject":${person.subject},"encounter":${visit.reference},"authoredOn":"${visit.startText}",` +
    `"requester":${visit.doctor.reference},"reasonReference":[${problem.reference}],` +
    `"dosageInstruction":[${dosage(medication)}],` +
    `"dispenseRequest":{"numberOfRepeatsAllowed":${problem.isChronic ? 3 : 0},` +
    `"quantity":{"value":${days * medication.frequency * medication.dose},"unit":"${medication.unit}"},` +
    `"expectedSupplyDuration":{"value":${days},"unit":"days","system":"http://unitsofmeasure.org","code":"d"}}}`
  )
}

function dosage(medication: MedicationCode): Json {
  return (
    `{"sequence":1,"text":${quote(medication.instruction)},` +
    `"timing":{"repeat":{"frequency":${medication.frequency},"period":1.0,"periodUnit":"d"}},` +
    `"doseAndRate":[{"doseQuantity":{"value":${medication.dose},"unit":"${medication.unit}"}}]}`
  )
}
