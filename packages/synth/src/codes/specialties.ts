import { coding, concept, type Json } from '../json-text.ts'
import { PROVIDER_TAXONOMY } from './systems.ts'

/** What a clinician does. */
export interface Specialty {
  readonly display: string
  readonly concept: Json
  readonly suffix: 'MD' | 'NP'
}

function specialty(code: string, display: string, suffix: Specialty['suffix']): Specialty {
  return { display, concept: concept([coding(PROVIDER_TAXONOMY, code, display)], display), suffix }
}

/** The clinicians of one practice, in this order; the first three see everybody's own patients. */
export const SPECIALTIES: readonly Specialty[] = [
  specialty('207Q00000X', 'Family Medicine Physician', 'MD'),
  specialty('207R00000X', 'Internal Medicine Physician', 'MD'),
  specialty('363LF0000X', 'Family Nurse Practitioner', 'NP'),
  specialty('208000000X', 'Pediatrics Physician', 'MD'),
  specialty('207P00000X', 'Emergency Medicine Physician', 'MD'),
  specialty('207RC0000X', 'Cardiovascular Disease Physician', 'MD'),
]
