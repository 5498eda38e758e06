import { coding, concept, quantity, type Json } from '../json-text.ts'
import { LOINC, snomed } from './systems.ts'

/** A plan of care for a chronic disease, with what it tells to do and what it aims at. */
export interface CarePlanCode {
  readonly display: string
  readonly category: Json
  readonly activities: readonly CareActivity[]
  readonly goal: GoalCode
}

/** One thing that a plan of care tells to do. */
export interface CareActivity {
  readonly display: string
  readonly concept: Json
}

/** A measurable aim. */
export interface GoalCode {
  readonly text: string
  readonly measure: Json
  /** The `detail[x]` member of `Goal.target`. */
  readonly detail: Json
}

function activity(code: string, display: string): CareActivity {
  return { display, concept: snomed(code, display) }
}

const EXERCISE = activity('229065009', 'Exercise therapy')
const NO_SMOKING = activity('225323000', 'Smoking cessation education')

export const HYPERTENSION_PLAN: CarePlanCode = {
  display: 'Lifestyle education regarding hypertension',
  category: snomed('443402002', 'Lifestyle education regarding hypertension'),
  activities: [EXERCISE, NO_SMOKING],
  goal: {
    text: 'Systolic blood pressure below 140 mm Hg',
    measure: concept([coding(LOINC, '8480-6', 'Systolic blood pressure')]),
    detail: `"detailRange":{"high":${quantity('140', 'mmHg', 'mm[Hg]')}}`,
  },
}

export const DIABETES_PLAN: CarePlanCode = {
  display: 'Diabetes self management plan',
  category: snomed('698360004', 'Diabetes self management plan'),
  activities: [activity('160670007', 'Diabetic diet'), EXERCISE],
  goal: {
    text: 'Hemoglobin A1c below 7.0 %',
    measure: concept([coding(LOINC, '4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood')]),
    detail: `"detailQuantity":{"value":7.0,"comparator":"<","unit":"%","system":"http://unitsofmeasure.org","code":"%"}`,
  },
}

export const LIPID_PLAN: CarePlanCode = {
  display: 'Hyperlipidemia clinical management plan',
  category: snomed('736285004', 'Hyperlipidemia clinical management plan'),
  activities: [EXERCISE],
  goal: {
    text: 'LDL cholesterol below 100 mg/dL',
    measure: concept([
      coding(
        LOINC,
        '18262-6',
        'Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay',
      ),
    ]),
    detail: `"detailQuantity":{"value":100.00,"comparator":"<","unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}`,
  },
}

export const ASTHMA_PLAN: CarePlanCode = {
  display: 'Asthma self management',
  category: snomed('699728000', 'Asthma self management'),
  activities: [NO_SMOKING],
  goal: {
    text: 'Oxygen saturation of at least 95 %',
    measure: concept([
      coding(LOINC, '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'),
    ]),
    detail: `"detailRange":{"low":${quantity('95', '%')}}`,
  },
}

export const PULMONARY_PLAN: CarePlanCode = {
  display: 'Chronic obstructive pulmonary disease clinical management plan',
  category: snomed('412776001', 'Chronic obstructive pulmonary disease clinical management plan'),
  activities: [activity('15081005', 'Pulmonary rehabilitation'), NO_SMOKING],
  goal: {
    text: 'Oxygen saturation of at least 92 %',
    measure: concept([
      coding(LOINC, '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'),
    ]),
    detail: `"detailRange":{"low":${quantity('92', '%')}}`,
  },
}
