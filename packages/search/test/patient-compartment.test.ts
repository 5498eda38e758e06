import { expect, test } from 'vitest'
import { compileSearch } from '../src/compile-search.ts'
import { isInPatientCompartment, patientsMatching, patientsOf } from '../src/patient-compartment.ts'
import { OBSERVATIONS } from './resources.ts'

test('finds every patient that a resource refers to from its compartment elements, once', () => {
  const appointment = {
    resourceType: 'Appointment',
    participant: [
      { actor: { reference: 'Patient/a' } },
      { actor: { reference: 'Practitioner/p' } },
      { actor: { reference: 'Patient/b/_history/2' } },
      { actor: { reference: 'https://here.example.org/fhir/Patient/c' } },
      { actor: { reference: 'Patient/a' } },
      { actor: { display: 'nobody' } },
    ],
  }
  const options = { baseUrl: 'https://here.example.org/fhir' }

  expect(patientsOf(appointment)).toEqual(['a', 'b'])
  expect(patientsOf(appointment, options)).toEqual(['a', 'b', 'c'])
})

test('a Patient is in its own compartment only, and a Group in nobody’s', () => {
  const other = { other: { reference: 'Patient/b' }, type: 'seealso' }

  expect(patientsOf({ resourceType: 'Patient', id: 'a', link: [other] })).toEqual(['a'])
  expect(
    patientsOf({ resourceType: 'Group', member: [{ entity: { reference: 'Patient/a' } }] }),
  ).toEqual([])
  expect(patientsOf({ resourceType: 'Organization', id: 'o' })).toEqual([])
  expect(patientsOf({ resourceType: 'toString' })).toEqual([])
})

test.each([
  ['Patient', true],
  ['Observation', true],
  ['Group', false],
  ['Practitioner', false],
] as const)('whether %s can be in a compartment: %s', (type, isIn) => {
  expect(isInPatientCompartment(type)).toBe(isIn)
})

test('names the patients for whom a search matches', () => {
  const search = compileSearch('Observation', 'code=http://loinc.org|2339-0&value-quantity=gt5')

  expect(OBSERVATIONS.flatMap((one) => patientsMatching(search, one))).toEqual(['muller'])
})
