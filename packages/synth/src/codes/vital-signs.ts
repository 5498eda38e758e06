import { coding, concept, type Json } from '../json-text.ts'
import { hl7, LOINC, SNOMED_CT } from './systems.ts'

/** A vital sign with one quantity. */
export interface VitalSignCode {
  readonly code: Json
  /** US Core profile, without its prefix. */
  readonly profile: string
  readonly unit: string
  readonly ucum: string
  readonly digits: number
}

export const HEART_RATE: VitalSignCode = {
  code: concept([coding(LOINC, '8867-4', 'Heart rate')], 'Heart rate'),
  profile: 'heart-rate',
  unit: 'beats/minute',
  ucum: '/min',
  digits: 0,
}

export const RESPIRATORY_RATE: VitalSignCode = {
  code: concept([coding(LOINC, '9279-1', 'Respiratory rate')], 'Respiratory rate'),
  profile: 'respiratory-rate',
  unit: 'breaths/minute',
  ucum: '/min',
  digits: 0,
}

export const BODY_TEMPERATURE: VitalSignCode = {
  code: concept([coding(LOINC, '8310-5', 'Body temperature')], 'Body temperature'),
  profile: 'body-temperature',
  unit: 'C',
  ucum: 'Cel',
  digits: 1,
}

export const BODY_HEIGHT: VitalSignCode = {
  code: concept([coding(LOINC, '8302-2', 'Body height')], 'Body height'),
  profile: 'body-height',
  unit: 'cm',
  ucum: 'cm',
  digits: 1,
}

export const BODY_WEIGHT: VitalSignCode = {
  code: concept([coding(LOINC, '29463-7', 'Body weight')], 'Body weight'),
  profile: 'body-weight',
  unit: 'kg',
  ucum: 'kg',
  digits: 2,
}

export const BODY_MASS_INDEX: VitalSignCode = {
  code: concept([coding(LOINC, '39156-5', 'Body mass index (BMI) [Ratio]')], 'Body mass index'),
  profile: 'bmi',
  unit: 'kg/m2',
  ucum: 'kg/m2',
  digits: 2,
}

/** Pulse oximetry carries two codes: the method's, and the plain one that US Core asks for. */
export const OXYGEN_SATURATION: VitalSignCode = {
  code: concept(
    [
      coding(LOINC, '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'),
      coding(LOINC, '2708-6', 'Oxygen saturation in Arterial blood'),
    ],
    'Oxygen saturation',
  ),
  profile: 'pulse-oximetry',
  unit: '%',
  ucum: '%',
  digits: 0,
}

export const BLOOD_PRESSURE: Json = concept(
  [coding(LOINC, '85354-9', 'Blood pressure panel with all children optional')],
  'Blood pressure',
)
export const SYSTOLIC: Json = concept([coding(LOINC, '8480-6', 'Systolic blood pressure')])
export const DIASTOLIC: Json = concept([coding(LOINC, '8462-4', 'Diastolic blood pressure')])

export const VITAL_SIGNS_CATEGORY: Json = category('vital-signs', 'Vital Signs')
export const LABORATORY_CATEGORY: Json = category('laboratory', 'Laboratory')
export const SOCIAL_HISTORY_CATEGORY: Json = category('social-history', 'Social History')
export const SURVEY_CATEGORY: Json = category('survey', 'Survey')

function category(code: string, display: string): Json {
  return concept([coding(hl7('observation-category'), code, display)])
}

export const SMOKING_STATUS: Json = concept(
  [coding(LOINC, '72166-2', 'Tobacco smoking status')],
  'Tobacco smoking status',
)

export const PAIN_SEVERITY: Json = concept(
  [coding(LOINC, '72514-3', 'Pain severity - 0-10 verbal numeric rating [Score] - Reported')],
  'Pain severity',
)

/** What a person says about tobacco. */
export interface SmokingHabit {
  readonly weight: number
  readonly concept: Json
}

export const SMOKING_HABITS: readonly SmokingHabit[] = [
  habit(60, '266919005', 'Never smoked tobacco'),
  habit(22, '8517006', 'Ex-smoker'),
  habit(13, '449868002', 'Smokes tobacco daily'),
  habit(5, '428041000124106', 'Occasional tobacco smoker'),
]

function habit(weight: number, code: string, display: string): SmokingHabit {
  return { weight, concept: concept([coding(SNOMED_CT, code, display)], display) }
}
