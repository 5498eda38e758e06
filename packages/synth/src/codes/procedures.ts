import type { Json } from '../json-text.ts'
import { snomed } from './systems.ts'

/** Something done to a patient. */
export interface ProcedureCode {
  readonly display: string
  readonly concept: Json
  /** What it costs, in cents. */
  readonly cents: number
  /** Youngest age in years. */
  readonly minimumAge: number
  readonly onlyFor?: 'female' | 'male'
}

function procedure(
  code: string,
  display: string,
  facts: Omit<ProcedureCode, 'display' | 'concept'>,
): ProcedureCode {
  return { display, concept: snomed(code, display), ...facts }
}

export const MEDICATION_RECONCILIATION: ProcedureCode = procedure(
  '430193006',
  'Medication reconciliation',
  { cents: 2550, minimumAge: 0 },
)

export const CHEST_X_RAY: ProcedureCode = procedure('399208008', 'Plain chest X-ray', {
  cents: 11_875,
  minimumAge: 0,
})

/** Offered at check-ups. */
export const SCREENING_PROCEDURES: readonly ProcedureCode[] = [
  procedure('171207006', 'Depression screening', { cents: 1845, minimumAge: 12 }),
  procedure('73761001', 'Colonoscopy', { cents: 125_000, minimumAge: 45 }),
  procedure('71651007', 'Mammography', { cents: 17_450, minimumAge: 40, onlyFor: 'female' }),
  procedure('312681000', 'Bone density scan', {
    cents: 14_200,
    minimumAge: 60,
    onlyFor: 'female',
  }),
  procedure('29303009', 'Electrocardiographic procedure', { cents: 5650, minimumAge: 40 }),
]

/** Done where somebody comes with a complaint. */
export const DIAGNOSTIC_PROCEDURES: readonly ProcedureCode[] = [
  procedure('117015009', 'Throat culture', { cents: 2980, minimumAge: 1 }),
  procedure('127783003', 'Spirometry', { cents: 6640, minimumAge: 5 }),
  procedure('29303009', 'Electrocardiographic procedure', { cents: 5650, minimumAge: 16 }),
  procedure('76601001', 'Intramuscular injection', { cents: 1710, minimumAge: 0 }),
  procedure('40701008', 'Echocardiography', { cents: 42_300, minimumAge: 30 }),
]
