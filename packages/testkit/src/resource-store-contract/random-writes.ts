import type { WriteOperation } from '@flatfhir/server'
import fc from 'fast-check'
import {
  deleteOperation,
  group,
  observation,
  patient,
  putOperation,
  ref,
  resource,
} from './resources.ts'

const PATIENTS = ['p0', 'p1', 'p2', 'p3']
const PRACTITIONERS = ['Practitioner/d0', 'Practitioner/d1', 'PractitionerRole/r0']
const ORGANIZATIONS = ['o0', 'o1', 'o2']
const OBSERVATIONS = Array.from({ length: 8 }, (_, index) => `b${index}`)
const GROUPS = ['g0', 'g1', 'g2']

const small = fc.integer({ min: 0, max: 3 })
const aPatient = fc.constantFrom(...PATIENTS)

const writes: fc.Arbitrary<WriteOperation> = fc
  .oneof(
    { weight: 2, arbitrary: fc.tuple(aPatient, small).map(([id, n]) => patient(id, { n })) },
    {
      weight: 8,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...OBSERVATIONS),
          aPatient,
          fc.option(fc.constantFrom(...PRACTITIONERS, ...PATIENTS.map((id) => `Patient/${id}`))),
          small,
        )
        .map(([id, subject, performer, n]) =>
          observation(id, subject, {
            n,
            ...(performer !== null && { performer: [ref(performer)] }),
          }),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('d0', 'd1'), small)
        .map(([id, n]) => resource(`Practitioner/${id}`, { n })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('d0', 'd1'), fc.constantFrom(...ORGANIZATIONS))
        .map(([practitioner, organization]) =>
          resource('PractitionerRole/r0', {
            practitioner: ref(`Practitioner/${practitioner}`),
            organization: ref(`Organization/${organization}`),
          }),
        ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...ORGANIZATIONS),
          fc.option(fc.constantFrom(...ORGANIZATIONS)),
          small,
        )
        .map(([id, partOf, n]) =>
          resource(`Organization/${id}`, {
            n,
            ...(partOf !== null && { partOf: ref(`Organization/${partOf}`) }),
          }),
        ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom('v0', 'v1'),
          fc.uniqueArray(fc.constantFrom(...OBSERVATIONS, ...PATIENTS), {
            minLength: 1,
            maxLength: 2,
          }),
          fc.constantFrom(...ORGANIZATIONS),
        )
        .map(([id, targets, organization]) =>
          resource(`Provenance/${id}`, {
            target: targets.map((one) =>
              ref(one.startsWith('b') ? `Observation/${one}` : `Patient/${one}`),
            ),
            agent: [{ who: ref(`Organization/${organization}`) }],
          }),
        ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...GROUPS),
          fc.array(
            fc.tuple(
              fc.constantFrom(
                ...PATIENTS.map((id) => `Patient/${id}`),
                ...GROUPS.map((id) => `Group/${id}`),
              ),
              fc.boolean(),
            ),
            { maxLength: 4 },
          ),
        )
        .map(([id, members]) =>
          group(
            id,
            members.map(([reference, inactive]) => ({
              entity: ref(reference),
              ...(inactive && { inactive }),
            })),
          ),
        ),
    },
  )
  .map(putOperation)

const deletes: fc.Arbitrary<WriteOperation> = fc
  .constantFrom(
    ...PATIENTS.map((id) => `Patient/${id}`),
    ...OBSERVATIONS.map((id) => `Observation/${id}`),
    ...OBSERVATIONS.map((id) => `Observation/${id}`),
    ...ORGANIZATIONS.map((id) => `Organization/${id}`),
    ...GROUPS.map((id) => `Group/${id}`),
    'Practitioner/d0',
    'PractitionerRole/r0',
    'Provenance/v0',
    'Provenance/v1',
  )
  .map(deleteOperation)

/**
 * Transactions on so few resources that they meet each other: patients, their records, what those
 * refer to, and Groups, nested and in cycles.
 */
export const transactions: fc.Arbitrary<WriteOperation[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: writes }, { weight: 1, arbitrary: deletes }),
  { minLength: 1, maxLength: 12 },
)
