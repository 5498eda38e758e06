import { MEDICATIONS, type MedicationCode } from './codes/medications.ts'
import { reference, type Json } from './json-text.ts'
import { derivePayers, type Payer } from './payers.ts'
import type { PopulationPlan } from './population-plan.ts'
import { PracticeDirectory } from './practice.ts'
import { Random, type SeedHash } from './random.ts'

/** What patients share: practices, payers and drugs. */
export interface Surroundings {
  readonly plan: PopulationPlan
  readonly practices: PracticeDirectory
  readonly payers: readonly Payer[]
  /** A Reference to the Medication of a drug. */
  readonly medicationReference: (code: MedicationCode) => Json
}

/** Derives what the patients of a population share. */
export function deriveSurroundings(plan: PopulationPlan): Surroundings {
  const references = new Map(
    MEDICATIONS.map((code) => [
      code,
      reference('Medication', medicationId(plan.seed, code), code.display),
    ]),
  )
  return {
    plan,
    practices: new PracticeDirectory(plan.seed),
    payers: derivePayers(plan.seed),
    medicationReference: (code) => {
      const known = references.get(code)
      if (known === undefined) throw new RangeError('A drug is missing from the list of drugs')
      return known
    },
  }
}

/** The id of the Medication of a drug. */
export function medicationId(seed: SeedHash, code: MedicationCode): string {
  return new Random(seed, 'medication', code.rxnorm).uuid()
}
