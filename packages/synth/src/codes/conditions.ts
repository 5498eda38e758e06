import { dayOf } from '../calendar.ts'
import { coding, concept, type Json } from '../json-text.ts'
import {
  ASTHMA_PLAN,
  DIABETES_PLAN,
  HYPERTENSION_PLAN,
  LIPID_PLAN,
  PULMONARY_PLAN,
  type CarePlanCode,
} from './care-plans.ts'
import {
  ALBUMIN_CREATININE,
  BASIC_METABOLIC,
  BLOOD_COUNT,
  COAGULATION,
  HEMOGLOBIN_A1C,
  LIPIDS,
  THYROTROPIN,
  type LaboratoryPanel,
} from './laboratory.ts'
import * as drugs from './medications.ts'
import { ICD_10_CM, SNOMED_CT } from './systems.ts'

/** A disease of the population: its codes, whom it meets and how it is treated. */
export interface ConditionCode {
  readonly snomed: string
  readonly display: string
  readonly concept: Json
  readonly icd10: Json
  /** Youngest age at the diagnosis, in years. */
  readonly minimumAge: number
  /** Chronic: probability in thousandths at the age of 65. Acute: weight against the others. */
  readonly weight: number
  readonly medications: readonly drugs.MedicationCode[]
  /** Followed up with these; their results drift upwards in this disease. */
  readonly panels: readonly LaboratoryPanel[]
  readonly carePlan?: CarePlanCode
  /** First day on which the disease can be diagnosed; see `calendar.ts`. */
  readonly sinceDay?: number
}

interface ConditionFacts {
  readonly names: readonly [snomed: string, display: string, icd10: string, icd10Display: string]
  readonly age: number
  readonly weight: number
  readonly medications?: readonly drugs.MedicationCode[]
  readonly panels?: readonly LaboratoryPanel[]
  readonly carePlan?: CarePlanCode
  readonly sinceDay?: number
}

function condition(facts: ConditionFacts): ConditionCode {
  const [snomed, display, icd10, icd10Display] = facts.names
  const icd10Coding = coding(ICD_10_CM, icd10, icd10Display)
  return {
    snomed,
    display,
    concept: concept([coding(SNOMED_CT, snomed, display), icd10Coding], display),
    icd10: concept([icd10Coding], icd10Display),
    minimumAge: facts.age,
    weight: facts.weight,
    medications: facts.medications ?? [],
    panels: facts.panels ?? [],
    ...(facts.carePlan === undefined ? {} : { carePlan: facts.carePlan }),
    ...(facts.sinceDay === undefined ? {} : { sinceDay: facts.sinceDay }),
  }
}

const HYPERTENSION = condition({
  names: ['59621000', 'Essential hypertension', 'I10', 'Essential (primary) hypertension'],
  age: 28,
  weight: 420,
  medications: [drugs.LISINOPRIL, drugs.AMLODIPINE, drugs.HYDROCHLOROTHIAZIDE],
  panels: [BASIC_METABOLIC],
  carePlan: HYPERTENSION_PLAN,
})

/** Whoever has it has higher blood pressure; see the vital signs. */
export const RAISES_BLOOD_PRESSURE: ConditionCode = HYPERTENSION

/** Diseases that stay. */
export const CHRONIC_CONDITIONS: readonly ConditionCode[] = [
  HYPERTENSION,
  condition({
    names: [
      '44054006',
      'Type 2 diabetes mellitus',
      'E11.9',
      'Type 2 diabetes mellitus without complications',
    ],
    age: 30,
    weight: 190,
    medications: [drugs.METFORMIN, drugs.INSULIN],
    panels: [HEMOGLOBIN_A1C, BASIC_METABOLIC, ALBUMIN_CREATININE],
    carePlan: DIABETES_PLAN,
  }),
  condition({
    names: ['55822004', 'Hyperlipidemia', 'E78.5', 'Hyperlipidemia, unspecified'],
    age: 30,
    weight: 330,
    medications: [drugs.ATORVASTATIN, drugs.SIMVASTATIN],
    panels: [LIPIDS],
    carePlan: LIPID_PLAN,
  }),
  condition({
    names: ['195967001', 'Asthma', 'J45.909', 'Unspecified asthma, uncomplicated'],
    age: 4,
    weight: 85,
    medications: [drugs.ALBUTEROL, drugs.FLUTICASONE],
    carePlan: ASTHMA_PLAN,
  }),
  condition({
    names: [
      '13645005',
      'Chronic obstructive lung disease',
      'J44.9',
      'Chronic obstructive pulmonary disease, unspecified',
    ],
    age: 45,
    weight: 90,
    medications: [drugs.FLUTICASONE_SALMETEROL, drugs.ALBUTEROL],
    carePlan: PULMONARY_PLAN,
  }),
  condition({
    names: ['49436004', 'Atrial fibrillation', 'I48.91', 'Unspecified atrial fibrillation'],
    age: 50,
    weight: 70,
    medications: [drugs.WARFARIN, drugs.DIGOXIN],
    panels: [COAGULATION],
  }),
  condition({
    names: ['84114007', 'Heart failure', 'I50.9', 'Heart failure, unspecified'],
    age: 55,
    weight: 60,
    medications: [drugs.FUROSEMIDE, drugs.METOPROLOL],
    panels: [BASIC_METABOLIC],
  }),
  condition({
    names: [
      '53741008',
      'Coronary arteriosclerosis',
      'I25.10',
      'Atherosclerotic heart disease of native coronary artery without angina pectoris',
    ],
    age: 45,
    weight: 95,
    medications: [drugs.CLOPIDOGREL, drugs.ASPIRIN, drugs.NITROGLYCERIN],
    panels: [LIPIDS],
  }),
  condition({
    names: ['40930008', 'Hypothyroidism', 'E03.9', 'Hypothyroidism, unspecified'],
    age: 18,
    weight: 80,
    medications: [drugs.LEVOTHYROXINE],
    panels: [THYROTROPIN],
  }),
  condition({
    names: ['35489007', 'Depressive disorder', 'F32.A', 'Depression, unspecified'],
    age: 13,
    weight: 110,
    medications: [drugs.SERTRALINE],
  }),
  condition({
    names: [
      '235595009',
      'Gastroesophageal reflux disease',
      'K21.9',
      'Gastro-esophageal reflux disease without esophagitis',
    ],
    age: 18,
    weight: 140,
    medications: [drugs.OMEPRAZOLE],
  }),
  condition({
    names: ['239873007', 'Osteoarthritis of knee', 'M17.9', 'Osteoarthritis of knee, unspecified'],
    age: 40,
    weight: 120,
    medications: [drugs.NAPROXEN],
  }),
  condition({
    names: [
      '64859006',
      'Osteoporosis',
      'M81.0',
      'Age-related osteoporosis without current pathological fracture',
    ],
    age: 55,
    weight: 80,
    medications: [drugs.ALENDRONATE],
  }),
  condition({
    names: [
      '433144002',
      'Chronic kidney disease stage 3',
      'N18.30',
      'Chronic kidney disease, stage 3 unspecified',
    ],
    age: 45,
    weight: 75,
    medications: [drugs.LISINOPRIL],
    panels: [BASIC_METABOLIC, BLOOD_COUNT],
  }),
]

/** Diseases that pass. */
export const ACUTE_CONDITIONS: readonly ConditionCode[] = [
  condition({
    names: [
      '54150009',
      'Upper respiratory infection',
      'J06.9',
      'Acute upper respiratory infection, unspecified',
    ],
    age: 0,
    weight: 20,
    medications: [drugs.ACETAMINOPHEN],
  }),
  condition({
    names: ['10509002', 'Acute bronchitis', 'J20.9', 'Acute bronchitis, unspecified'],
    age: 1,
    weight: 10,
    medications: [drugs.AZITHROMYCIN, drugs.ALBUTEROL],
  }),
  condition({
    names: ['195662009', 'Acute viral pharyngitis', 'J02.9', 'Acute pharyngitis, unspecified'],
    age: 2,
    weight: 10,
    medications: [drugs.IBUPROFEN],
  }),
  condition({
    names: ['43878008', 'Streptococcal sore throat', 'J02.0', 'Streptococcal pharyngitis'],
    age: 3,
    weight: 7,
    medications: [drugs.PENICILLIN_V],
  }),
  condition({
    names: ['65363002', 'Otitis media', 'H66.90', 'Otitis media, unspecified, unspecified ear'],
    age: 0,
    weight: 6,
    medications: [drugs.AMOXICILLIN],
  }),
  condition({
    names: ['75498004', 'Acute bacterial sinusitis', 'J01.90', 'Acute sinusitis, unspecified'],
    age: 6,
    weight: 7,
    medications: [drugs.AMOXICILLIN_CLAVULANATE],
  }),
  condition({
    names: [
      '68566005',
      'Urinary tract infectious disease',
      'N39.0',
      'Urinary tract infection, site not specified',
    ],
    age: 2,
    weight: 6,
    medications: [drugs.NITROFURANTOIN],
    panels: [BLOOD_COUNT],
  }),
  condition({
    names: ['233604007', 'Pneumonia', 'J18.9', 'Pneumonia, unspecified organism'],
    age: 1,
    weight: 4,
    medications: [drugs.AZITHROMYCIN],
    panels: [BLOOD_COUNT, BASIC_METABOLIC],
  }),
  condition({
    names: [
      '44465007',
      'Sprain of ankle',
      'S93.409A',
      'Sprain of unspecified ligament of unspecified ankle, initial encounter',
    ],
    age: 6,
    weight: 6,
    medications: [drugs.IBUPROFEN],
  }),
  condition({
    names: [
      '284551006',
      'Laceration of foot',
      'S91.319A',
      'Laceration without foreign body, unspecified foot, initial encounter',
    ],
    age: 2,
    weight: 3,
    medications: [drugs.ACETAMINOPHEN],
  }),
  condition({
    names: ['279039007', 'Low back pain', 'M54.50', 'Low back pain, unspecified'],
    age: 16,
    weight: 9,
    medications: [drugs.NAPROXEN],
  }),
  condition({
    names: ['271807003', 'Eruption of skin', 'R21', 'Rash and other nonspecific skin eruption'],
    age: 0,
    weight: 6,
    medications: [drugs.HYDROCORTISONE, drugs.DIPHENHYDRAMINE],
  }),
  condition({
    names: [
      '840539006',
      'Disease caused by severe acute respiratory syndrome coronavirus 2',
      'U07.1',
      'COVID-19',
    ],
    age: 0,
    weight: 9,
    medications: [drugs.ACETAMINOPHEN],
    sinceDay: dayOf(2020, 4, 1),
  }),
]
