import { expect, test } from 'vitest'
import { PATIENT_COMPARTMENT } from '../src/generated/patient-compartment.ts'
import { SUPPORTING_TYPES } from '../src/supporting-types.ts'

test('follows references to those who cared, the places and the products', () => {
  for (const type of [
    'Practitioner',
    'PractitionerRole',
    'Organization',
    'Location',
    'Medication',
    'Device',
    'Substance',
    'HealthcareService',
  ] as const) {
    expect(SUPPORTING_TYPES.has(type), type).toBe(true)
  }
})

test('holds no type of the compartment, so that no other patient is reached', () => {
  const inCompartment = [...SUPPORTING_TYPES].filter((type) => type in PATIENT_COMPARTMENT)

  expect(inCompartment).toEqual([])
})

test('never follows into containers, lists of several patients, or server resources', () => {
  for (const type of [
    'Patient',
    'Group',
    'List',
    'Binary',
    'Bundle',
    'Parameters',
    'Subscription',
    'Task',
    'Linkage',
    'PaymentReconciliation',
    'Contract',
    'CapabilityStatement',
    'StructureDefinition',
    'ValueSet',
    'AuditEvent',
  ] as const) {
    expect(SUPPORTING_TYPES.has(type), type).toBe(false)
  }
})
