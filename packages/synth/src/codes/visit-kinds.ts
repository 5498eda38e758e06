import { coding, concept, type Json } from '../json-text.ts'
import { ACT_CODE, hl7Concept, LOINC, snomed } from './systems.ts'

/** Why, where and how long a patient meets a practice. */
export interface VisitKind {
  readonly name: 'check-up' | 'follow-up' | 'problem' | 'telehealth' | 'emergency' | 'inpatient'
  /** `Encounter.class`. */
  readonly class: Json
  readonly type: Json
  readonly display: string
  /** What the visit itself costs, in cents. */
  readonly cents: number
  readonly minutes: readonly [shortest: number, longest: number]
  readonly isInPerson: boolean
  readonly noteType: Json
  readonly noteDisplay: string
  readonly claimType: Json
  readonly placeOfService: Json
}

const AMBULATORY = coding(ACT_CODE, 'AMB', 'ambulatory')
const PROFESSIONAL_CLAIM = hl7Concept('claim-type', 'professional', 'Professional')
const INSTITUTIONAL_CLAIM = hl7Concept('claim-type', 'institutional', 'Institutional')

function placeOfService(code: string, display: string): Json {
  return concept([
    coding(
      'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set',
      code,
      display,
    ),
  ])
}

function note(code: string, display: string): Pick<VisitKind, 'noteType' | 'noteDisplay'> {
  return { noteType: concept([coding(LOINC, code, display)], display), noteDisplay: display }
}

export const CHECK_UP: VisitKind = {
  name: 'check-up',
  class: AMBULATORY,
  type: snomed('162673000', 'General examination of patient'),
  display: 'General examination of patient',
  cents: 13_640,
  minutes: [20, 45],
  isInPerson: true,
  ...note('34117-2', 'History and physical note'),
  claimType: PROFESSIONAL_CLAIM,
  placeOfService: placeOfService('11', 'Office'),
}

export const WELL_CHILD: VisitKind = {
  ...CHECK_UP,
  type: snomed('410620009', 'Well child visit'),
  display: 'Well child visit',
}

export const FOLLOW_UP: VisitKind = {
  name: 'follow-up',
  class: AMBULATORY,
  type: snomed('390906007', 'Follow-up encounter'),
  display: 'Follow-up encounter',
  cents: 9275,
  minutes: [15, 30],
  isInPerson: true,
  ...note('11506-3', 'Progress note'),
  claimType: PROFESSIONAL_CLAIM,
  placeOfService: placeOfService('11', 'Office'),
}

export const PROBLEM_VISIT: VisitKind = {
  name: 'problem',
  class: AMBULATORY,
  type: snomed('185347001', 'Encounter for problem'),
  display: 'Encounter for problem',
  cents: 11_150,
  minutes: [15, 40],
  isInPerson: true,
  ...note('11506-3', 'Progress note'),
  claimType: PROFESSIONAL_CLAIM,
  placeOfService: placeOfService('11', 'Office'),
}

export const TELEHEALTH: VisitKind = {
  name: 'telehealth',
  class: coding(ACT_CODE, 'VR', 'virtual'),
  type: snomed('448337001', 'Telemedicine consultation with patient'),
  display: 'Telemedicine consultation with patient',
  cents: 7890,
  minutes: [10, 25],
  isInPerson: false,
  ...note('11506-3', 'Progress note'),
  claimType: PROFESSIONAL_CLAIM,
  placeOfService: placeOfService('10', "Telehealth Provided in Patient's Home"),
}

export const EMERGENCY: VisitKind = {
  name: 'emergency',
  class: coding(ACT_CODE, 'EMER', 'emergency'),
  type: snomed('50849002', 'Emergency room admission'),
  display: 'Emergency room admission',
  cents: 68_350,
  minutes: [60, 300],
  isInPerson: true,
  ...note('34111-5', 'Emergency department Note'),
  claimType: INSTITUTIONAL_CLAIM,
  placeOfService: placeOfService('23', 'Emergency Room - Hospital'),
}

export const INPATIENT: VisitKind = {
  name: 'inpatient',
  class: coding(ACT_CODE, 'IMP', 'inpatient encounter'),
  type: snomed('32485007', 'Hospital admission'),
  display: 'Hospital admission',
  cents: 486_500,
  minutes: [1440, 7200],
  isInPerson: true,
  ...note('18842-5', 'Discharge summary'),
  claimType: INSTITUTIONAL_CLAIM,
  placeOfService: placeOfService('21', 'Inpatient Hospital'),
}
