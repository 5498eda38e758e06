import { formatDay } from '../calendar.ts'
import { coding, concept, decimal, quantity, type Json } from '../json-text.ts'
import { hl7, SNOMED_CT, usCore } from '../codes/systems.ts'
import { INFLUENZA, SCHEDULED_VACCINES, type VaccineCode } from '../codes/vaccines.ts'
import type { Story, Visit } from '../story/story.ts'
import type { Chart } from './chart.ts'

const MAX_PER_VISIT = 4
const DOSE_CENTS = 3875
const INTRAMUSCULAR = concept([
  coding(hl7('v3-RouteOfAdministration'), 'IM', 'Injection, intramuscular'),
])
const LEFT_ARM = concept([coding(hl7('v3-ActSite'), 'LA', 'left arm')])
const ADMINISTERING = concept([coding(hl7('v2-0443'), 'AP', 'Administering Provider')])
const CHARGE = concept([
  coding(SNOMED_CT, '33879002', 'Administration of vaccine to produce active immunity'),
])

/** How many doses of which vaccine a patient has had. */
export type VaccinationCard = Map<VaccineCode, number>

/** Gives at a check-up the vaccines that are due. */
export function vaccinate(chart: Chart, story: Story, card: VaccinationCard): void {
  const { visit } = chart
  if (visit.kind.name !== 'check-up') return
  for (const vaccine of chooseVaccines(story, visit, card)) {
    const dose = (card.get(vaccine) ?? 0) + 1
    card.set(vaccine, dose)
    chart.add('Immunization', immunization(story, visit, { vaccine, dose }))
    chart.charges.push({ concept: CHARGE, cents: DOSE_CENTS })
  }
}

function chooseVaccines(story: Story, visit: Visit, card: VaccinationCard): readonly VaccineCode[] {
  const ageDays = visit.day - story.person.birthDay
  const isDue = (vaccine: VaccineCode): boolean =>
    ageDays >= vaccine.fromDays &&
    ageDays < vaccine.toDays &&
    visit.day >= (vaccine.sinceDay ?? visit.day)
  const due = SCHEDULED_VACCINES.filter(
    (vaccine) => isDue(vaccine) && (card.get(vaccine) ?? 0) < vaccine.doses,
  )
  const chosen = due.slice(0, MAX_PER_VISIT).filter(() => story.random.chance(850))
  if (isDue(INFLUENZA) && story.random.chance(700)) chosen.push(INFLUENZA)
  return chosen
}

function immunization(
  story: Story,
  visit: Visit,
  facts: { readonly vaccine: VaccineCode; readonly dose: number },
): Json {
  const { person, random } = story
  const { vaccine, dose } = facts
  const expires = formatDay(visit.day + random.between(60, 500))
  return (
    `{"resourceType":"Immunization","id":"${random.uuid()}","meta":${usCore('immunization')},` +
    `"status":"completed","vaccineCode":${vaccine.concept},"patient":${person.subject},` +
    `"encounter":${visit.reference},"occurrenceDateTime":"${visit.startText}","primarySource":true,` +
    `"location":${visit.location.reference},"lotNumber":"L${random.below(1_000_000)}",` +
    `"expirationDate":"${expires}","site":${LEFT_ARM},"route":${INTRAMUSCULAR},` +
    `"doseQuantity":${quantity(decimal(vaccine.doseHundredths, 2), 'mL')},` +
    `"performer":[{"function":${ADMINISTERING},"actor":${visit.doctor.reference}}],` +
    `"protocolApplied":[{"doseNumberPositiveInt":${dose}}]}`
  )
}
