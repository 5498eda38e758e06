import { MEDICATIONS } from './codes/medications.ts'
import type { PopulationResource } from './population-resource.ts'
import { practiceDevices } from './resources/device.ts'
import { location } from './resources/location.ts'
import { medication } from './resources/medication.ts'
import { payerOrganization, practiceOrganization } from './resources/organization.ts'
import { practitioner, practitionerRole } from './resources/practitioner.ts'
import type { Practice } from './practice.ts'
import { medicationId, type Surroundings } from './surroundings.ts'

/** The resources that patients share: payers, drugs, then practice by practice. */
export function* sharedResources(surroundings: Surroundings): Generator<PopulationResource> {
  const { plan, payers, practices } = surroundings
  for (const payer of payers) yield { type: 'Organization', line: payerOrganization(payer) }
  for (const code of MEDICATIONS) {
    yield { type: 'Medication', line: medication(medicationId(plan.seed, code), code) }
  }
  for (let index = 0; index < plan.practices; index += 1) {
    yield* practiceResources(practices.practice(index))
  }
}

function* practiceResources(practice: Practice): Generator<PopulationResource> {
  yield { type: 'Organization', line: practiceOrganization(practice) }
  yield { type: 'Location', line: location(practice.clinic, practice) }
  yield { type: 'Location', line: location(practice.hospital, practice) }
  for (const line of practiceDevices(practice)) yield { type: 'Device', line }
  for (const person of practice.practitioners) {
    yield { type: 'Practitioner', line: practitioner(person) }
    yield { type: 'PractitionerRole', line: practitionerRole(person, practice) }
  }
}
