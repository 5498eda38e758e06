import type { MedicationCode } from '../codes/medications.ts'
import { usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'

/** A drug as Medication. */
export function medication(id: string, code: MedicationCode): Json {
  return (
    `{"resourceType":"Medication","id":"${id}","meta":${usCore('medication')},` +
    `"code":${code.concept},"status":"active","form":${code.form}}`
  )
}
