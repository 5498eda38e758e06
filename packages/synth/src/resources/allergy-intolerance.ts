import { formatDay, YEAR_DAYS } from '../calendar.ts'
import {
  ALLERGIES,
  ANAPHYLAXIS,
  NO_KNOWN_ALLERGY,
  REACTIONS,
  type AllergyCode,
} from '../codes/allergies.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Story, Visit } from '../story/story.ts'

const ACTIVE = hl7Concept('allergyintolerance-clinical', 'active', 'Active')
const CONFIRMED = hl7Concept('allergyintolerance-verification', 'confirmed', 'Confirmed')
const ALLERGIC_PER_MILLE = 280

/** The allergies of a person, as they were recorded at the first visit. */
export function allergies(story: Story): readonly Json[] {
  const { random, visits } = story
  const visit = visits[0]
  if (visit === undefined) return []
  if (!random.chance(ALLERGIC_PER_MILLE)) {
    return random.chance(600) ? [allergyIntolerance(story, visit, NO_KNOWN_ALLERGY)] : []
  }
  const offset = random.below(ALLERGIES.length)
  const count = random.between(1, 3)
  return Array.from({ length: count }, (_, index) => {
    const code = ALLERGIES[(offset + index * 3) % ALLERGIES.length] ?? NO_KNOWN_ALLERGY
    return allergyIntolerance(story, visit, code)
  })
}

function allergyIntolerance(story: Story, visit: Visit, code: AllergyCode): Json {
  const { person, random } = story
  return (
    `{"resourceType":"AllergyIntolerance","id":"${random.uuid()}",` +
    `"meta":${usCore('allergyintolerance')},"clinicalStatus":${ACTIVE},` +
    `"verificationStatus":${CONFIRMED},` +
    (code.category === undefined
      ? ''
      : `"type":"allergy","category":["${code.category}"],` +
        `"criticality":"${random.chance(200) ? 'high' : 'low'}",`) +
    `"code":${code.concept},"patient":${person.subject},"encounter":${visit.reference},` +
    (code.category === undefined ? '' : `"onsetDateTime":"${onset(story, visit)}",`) +
    `"recordedDate":"${visit.startText}","recorder":${visit.doctor.reference}` +
    `${code.category === undefined ? '' : reaction(story)}}`
  )
}

/** Nobody remembers the day: a year is all there is. */
function onset({ person, random }: Story, visit: Visit): string {
  const ageDays = visit.day - person.birthDay
  const daysAgo = Math.min(ageDays, random.below(20) * YEAR_DAYS)
  const day = visit.day - daysAgo
  return formatDay(Math.max(day, person.birthDay)).slice(0, 4)
}

function reaction({ random }: Story): Json {
  const isSevere = random.chance(80)
  const manifestation = isSevere ? ANAPHYLAXIS : random.pick(REACTIONS)
  const severity = isSevere ? 'severe' : random.pick(['mild', 'moderate'])
  return `,"reaction":[{"manifestation":[${manifestation}],"severity":"${severity}"}]`
}
