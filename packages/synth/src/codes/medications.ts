import { coding, concept, type Json } from '../json-text.ts'
import { RXNORM, snomed } from './systems.ts'

/** A drug that is prescribed in the population. */
export interface MedicationCode {
  /** RxNorm concept; also the index of its random stream. */
  readonly rxnorm: number
  readonly display: string
  readonly concept: Json
  readonly form: Json
  /** What the prescription tells the patient. */
  readonly instruction: string
  /** Doses a day. */
  readonly frequency: number
  /** Pieces or pumps of one dose. */
  readonly dose: number
  readonly unit: string
}

const FORMS = {
  tablet: snomed('385055001', 'Tablet'),
  capsule: snomed('385049006', 'Capsule'),
  inhaler: '{"text":"Inhaler"}',
  suspension: '{"text":"Oral suspension"}',
  injection: '{"text":"Suspension for injection"}',
  cream: '{"text":"Cutaneous cream"}',
  spray: '{"text":"Oromucosal spray"}',
} as const

interface Dosage {
  readonly form: keyof typeof FORMS
  readonly frequency: number
  readonly dose: number
  readonly unit: string
}

function drug(rxnorm: number, display: string, dosage: Dosage): MedicationCode {
  const { form, frequency, dose, unit } = dosage
  const times = frequency === 1 ? 'once a day' : `${frequency} times a day`
  return {
    rxnorm,
    display,
    concept: concept([coding(RXNORM, rxnorm.toString(), display)], display),
    form: FORMS[form],
    instruction: `Take ${dose} ${unit} ${times}.`,
    frequency,
    dose,
    unit,
  }
}

const TABLET_DAILY: Dosage = { form: 'tablet', frequency: 1, dose: 1, unit: 'tablet' }
const TABLET_TWICE: Dosage = { form: 'tablet', frequency: 2, dose: 1, unit: 'tablet' }
const CAPSULE_DAILY: Dosage = { form: 'capsule', frequency: 1, dose: 1, unit: 'capsule' }
const INHALER_TWICE: Dosage = { form: 'inhaler', frequency: 2, dose: 2, unit: 'puffs' }

export const LISINOPRIL: MedicationCode = drug(314076, 'lisinopril 10 MG Oral Tablet', TABLET_DAILY)
export const AMLODIPINE: MedicationCode = drug(197361, 'amlodipine 5 MG Oral Tablet', TABLET_DAILY)
export const HYDROCHLOROTHIAZIDE: MedicationCode = drug(
  310798,
  'hydrochlorothiazide 25 MG Oral Tablet',
  TABLET_DAILY,
)
export const METFORMIN: MedicationCode = drug(
  861007,
  'metformin hydrochloride 500 MG Oral Tablet',
  TABLET_TWICE,
)
export const INSULIN: MedicationCode = drug(
  106892,
  'insulin isophane, human 70 UNT/ML / insulin, regular, human 30 UNT/ML Injectable Suspension [Humulin]',
  { form: 'injection', frequency: 2, dose: 10, unit: 'units' },
)
export const ATORVASTATIN: MedicationCode = drug(
  617310,
  'atorvastatin 20 MG Oral Tablet',
  TABLET_DAILY,
)
export const SIMVASTATIN: MedicationCode = drug(
  312961,
  'simvastatin 20 MG Oral Tablet',
  TABLET_DAILY,
)
export const ALBUTEROL: MedicationCode = drug(
  745679,
  '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
  INHALER_TWICE,
)
export const FLUTICASONE: MedicationCode = drug(
  895994,
  '120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
  INHALER_TWICE,
)
export const FLUTICASONE_SALMETEROL: MedicationCode = drug(
  896209,
  '60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler',
  INHALER_TWICE,
)
export const WARFARIN: MedicationCode = drug(
  855332,
  'warfarin sodium 5 MG Oral Tablet',
  TABLET_DAILY,
)
export const DIGOXIN: MedicationCode = drug(197604, 'digoxin 0.125 MG Oral Tablet', TABLET_DAILY)
export const METOPROLOL: MedicationCode = drug(
  866412,
  '24 HR metoprolol succinate 100 MG Extended Release Oral Tablet',
  TABLET_DAILY,
)
export const FUROSEMIDE: MedicationCode = drug(313988, 'furosemide 40 MG Oral Tablet', TABLET_DAILY)
export const CLOPIDOGREL: MedicationCode = drug(
  309362,
  'clopidogrel 75 MG Oral Tablet',
  TABLET_DAILY,
)
export const ASPIRIN: MedicationCode = drug(243670, 'aspirin 81 MG Oral Tablet', TABLET_DAILY)
export const NITROGLYCERIN: MedicationCode = drug(
  705129,
  'nitroglycerin 0.4 MG/ACTUAT Mucosal Spray',
  { form: 'spray', frequency: 1, dose: 1, unit: 'spray' },
)
export const LEVOTHYROXINE: MedicationCode = drug(
  966222,
  'levothyroxine sodium 0.075 MG Oral Tablet',
  TABLET_DAILY,
)
export const SERTRALINE: MedicationCode = drug(312941, 'sertraline 50 MG Oral Tablet', TABLET_DAILY)
export const OMEPRAZOLE: MedicationCode = drug(
  198051,
  'omeprazole 20 MG Delayed Release Oral Capsule',
  CAPSULE_DAILY,
)
export const ALENDRONATE: MedicationCode = drug(
  904419,
  'alendronic acid 10 MG Oral Tablet',
  TABLET_DAILY,
)
export const NAPROXEN: MedicationCode = drug(
  849574,
  'naproxen sodium 220 MG Oral Tablet',
  TABLET_TWICE,
)
export const IBUPROFEN: MedicationCode = drug(310965, 'ibuprofen 200 MG Oral Tablet', {
  form: 'tablet',
  frequency: 3,
  dose: 2,
  unit: 'tablets',
})
export const ACETAMINOPHEN: MedicationCode = drug(313782, 'acetaminophen 325 MG Oral Tablet', {
  form: 'tablet',
  frequency: 3,
  dose: 2,
  unit: 'tablets',
})
export const AMOXICILLIN: MedicationCode = drug(308182, 'amoxicillin 250 MG Oral Capsule', {
  form: 'capsule',
  frequency: 3,
  dose: 1,
  unit: 'capsule',
})
export const AMOXICILLIN_CLAVULANATE: MedicationCode = drug(
  562251,
  'amoxicillin 250 MG / clavulanate 125 MG Oral Tablet',
  { form: 'tablet', frequency: 3, dose: 1, unit: 'tablet' },
)
export const PENICILLIN_V: MedicationCode = drug(
  834102,
  'penicillin V potassium 500 MG Oral Tablet',
  TABLET_TWICE,
)
export const AZITHROMYCIN: MedicationCode = drug(
  308460,
  'azithromycin 250 MG Oral Tablet',
  TABLET_DAILY,
)
export const NITROFURANTOIN: MedicationCode = drug(
  311989,
  'nitrofurantoin 5 MG/ML Oral Suspension',
  { form: 'suspension', frequency: 2, dose: 10, unit: 'mL' },
)
export const HYDROCORTISONE: MedicationCode = drug(
  106258,
  'hydrocortisone 10 MG/ML Topical Cream',
  { form: 'cream', frequency: 2, dose: 1, unit: 'application' },
)
export const DIPHENHYDRAMINE: MedicationCode = drug(
  1049630,
  'diphenhydramine hydrochloride 25 MG Oral Tablet',
  TABLET_DAILY,
)

/** Every drug that the population prescribes; each becomes one Medication. */
export const MEDICATIONS: readonly MedicationCode[] = [
  LISINOPRIL,
  AMLODIPINE,
  HYDROCHLOROTHIAZIDE,
  METFORMIN,
  INSULIN,
  ATORVASTATIN,
  SIMVASTATIN,
  ALBUTEROL,
  FLUTICASONE,
  FLUTICASONE_SALMETEROL,
  WARFARIN,
  DIGOXIN,
  METOPROLOL,
  FUROSEMIDE,
  CLOPIDOGREL,
  ASPIRIN,
  NITROGLYCERIN,
  LEVOTHYROXINE,
  SERTRALINE,
  OMEPRAZOLE,
  ALENDRONATE,
  NAPROXEN,
  IBUPROFEN,
  ACETAMINOPHEN,
  AMOXICILLIN,
  AMOXICILLIN_CLAVULANATE,
  PENICILLIN_V,
  AZITHROMYCIN,
  NITROFURANTOIN,
  HYDROCORTISONE,
  DIPHENHYDRAMINE,
]
