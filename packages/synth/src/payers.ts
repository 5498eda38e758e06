import { coding, concept, reference, type Json } from './json-text.ts'
import { ACT_CODE } from './codes/systems.ts'
import { Random, type SeedHash } from './random.ts'

/** Who pays for the care: one Organization and one Group for each. */
export interface Payer {
  readonly id: string
  readonly name: string
  readonly plan: string
  /** `Coverage.type`. */
  readonly type: Json
  /** What the payer allows of a charge, in percent. */
  readonly allowedPercent: number
  /** What the patient pays of the allowed amount, in percent. */
  readonly copayPercent: number
  readonly reference: Json
}

type PayerFacts = Omit<Payer, 'id' | 'reference'>

const PUBLIC_POLICY = concept([coding(ACT_CODE, 'PUBLICPOL', 'public healthcare')])
const MANAGED_CARE = concept([coding(ACT_CODE, 'MCPOL', 'managed care policy')])
const EXTENDED_CARE = concept([coding(ACT_CODE, 'EHCPOL', 'extended healthcare')])

const PAYERS: readonly PayerFacts[] = [
  payer('Medicare (synthetic)', 'Medicare Part B', [PUBLIC_POLICY, 62, 20]),
  payer('Medicaid (synthetic)', 'Medicaid managed care', [PUBLIC_POLICY, 48, 0]),
  payer('Evergreen Health Plan', 'Evergreen Silver PPO', [EXTENDED_CARE, 81, 15]),
  payer('Harbor Mutual', 'Harbor HMO', [MANAGED_CARE, 74, 10]),
  payer('Summit Benefit Trust', 'Summit High Deductible', [EXTENDED_CARE, 85, 30]),
]

function payer(
  name: string,
  plan: string,
  [type, allowedPercent, copayPercent]: readonly [Json, number, number],
): PayerFacts {
  return { name, plan, type, allowedPercent, copayPercent }
}

/** Index of the payer of everybody who is 65 or older. */
export const MEDICARE = 0
/** Indexes of the payers of the younger, as often as they occur. */
export const PAYERS_BELOW_65: readonly number[] = [1, 2, 2, 3, 4]

/** The payers of a population; always the same number. */
export function derivePayers(seed: SeedHash): readonly Payer[] {
  return PAYERS.map((facts, index) => {
    const id = new Random(seed, 'payer', index).uuid()
    return { ...facts, id, reference: reference('Organization', id, facts.name) }
  })
}
