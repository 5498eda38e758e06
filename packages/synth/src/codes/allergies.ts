import type { Json } from '../json-text.ts'
import { snomed } from './systems.ts'

/** An allergy, or the statement that there is none. */
export interface AllergyCode {
  readonly display: string
  readonly concept: Json
  /** Code of `AllergyIntolerance.category`; absent where nothing is known. */
  readonly category?: 'food' | 'medication' | 'environment' | 'biologic'
}

function allergy(
  code: string,
  display: string,
  category: NonNullable<AllergyCode['category']>,
): AllergyCode {
  return { display, concept: snomed(code, display), category }
}

export const NO_KNOWN_ALLERGY: AllergyCode = {
  display: 'No known allergy',
  concept: snomed('716186003', 'No known allergy'),
}

export const ALLERGIES: readonly AllergyCode[] = [
  allergy('91936005', 'Allergy to penicillin', 'medication'),
  allergy('91935009', 'Allergy to peanut', 'food'),
  allergy('300913006', 'Shellfish allergy', 'food'),
  allergy('425525006', 'Allergy to dairy product', 'food'),
  allergy('232350006', 'House dust mite allergy', 'environment'),
  allergy('418689008', 'Allergy to grass pollen', 'environment'),
  allergy('419263009', 'Allergy to tree pollen', 'environment'),
  allergy('232347008', 'Dander (animal) allergy', 'environment'),
]

export const REACTIONS: readonly Json[] = [
  snomed('126485001', 'Urticaria'),
  snomed('271807003', 'Eruption of skin'),
  snomed('418363000', 'Itching of skin'),
  snomed('49727002', 'Cough'),
]

export const ANAPHYLAXIS: Json = snomed('39579001', 'Anaphylaxis')
