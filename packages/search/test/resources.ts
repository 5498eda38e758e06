import type { JsonObject } from '../src/json.ts'

const LOINC = 'http://loinc.org'
const UCUM = 'http://unitsofmeasure.org'

/** People as a hospital's system would hold them. */
export const PATIENTS: readonly JsonObject[] = [
  {
    resourceType: 'Patient',
    id: 'muller',
    meta: {
      lastUpdated: '2024-03-01T10:00:00.000+01:00',
      source: 'https://lab.example.org/feed#a',
      profile: ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0'],
      tag: [{ system: 'https://example.org/tags', code: 'vip' }],
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }],
    },
    active: true,
    identifier: [
      {
        type: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }],
          text: 'Medical record number',
        },
        system: 'https://clinic.example.org/mrn',
        value: 'A-100',
      },
      { value: 'no-system' },
    ],
    name: [
      { use: 'official', family: 'Müller', given: ['Jörg', 'Anton'], prefix: ['Dr.'] },
      { use: 'nickname', text: 'Jojo the Great' },
    ],
    telecom: [
      { system: 'phone', value: '555-0100' },
      { system: 'email', value: 'Joerg@example.org' },
    ],
    gender: 'male',
    birthDate: '1970-05-17',
    address: [{ line: ['Hauptstraße 1', 'Hof'], city: 'Bern', state: 'BE', postalCode: '3011' }],
    deceasedDateTime: '2020-02',
    generalPractitioner: [{ reference: 'Practitioner/p1' }],
    communication: [
      { language: { text: 'Swiss German', coding: [{ code: 'gsw-CH', display: 'Alemannic' }] } },
    ],
  },
  {
    resourceType: 'Patient',
    id: 'smith',
    meta: { lastUpdated: '2023-12-31T23:30:00.000-05:00' },
    active: false,
    name: [{ family: 'Smith, Jr', given: ['Ann'] }],
    telecom: [{ system: 'email', value: '555-0100' }],
    gender: 'female',
    birthDate: '1970',
    deceasedBoolean: false,
    generalPractitioner: [{ reference: 'Organization/p1' }],
  },
  { resourceType: 'Patient', id: 'nobody' },
]

/** A lab value, a blood pressure, a coded result and one about nobody. */
export const OBSERVATIONS: readonly JsonObject[] = [
  {
    resourceType: 'Observation',
    id: 'glucose',
    status: 'final',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'laboratory',
            display: 'Laboratory',
          },
        ],
        text: 'Lab',
      },
    ],
    code: { coding: [{ system: LOINC, code: '2339-0', display: 'Glucose' }], text: 'Blood sugar' },
    subject: { reference: 'Patient/muller' },
    effectiveDateTime: '2020-06-15T08:30:00Z',
    performer: [{ reference: 'https://other.example.org/fhir/Practitioner/p1' }],
    valueQuantity: { value: 5.4, unit: 'mmol/L', system: UCUM, code: 'mmol/L' },
  },
  {
    resourceType: 'Observation',
    id: 'pressure',
    status: 'amended',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
          },
        ],
      },
    ],
    code: { coding: [{ system: LOINC, code: '85354-9' }] },
    subject: { reference: 'Patient/smith/_history/3' },
    effectivePeriod: { start: '2020-06-01', end: '2020-06-30' },
    component: [
      {
        code: { coding: [{ system: LOINC, code: '8480-6' }] },
        valueQuantity: { value: 120, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
      },
      {
        code: { coding: [{ system: LOINC, code: '8462-4' }] },
        valueQuantity: { value: 80, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
      },
    ],
  },
  {
    resourceType: 'Observation',
    id: 'smoking',
    status: 'final',
    code: { coding: [{ system: LOINC, code: '72166-2' }, { code: 'LOCAL' }] },
    subject: { reference: '#inside' },
    contained: [{ resourceType: 'Patient', id: 'inside', gender: 'other' }],
    effectiveTiming: { event: ['2021-01-05', '2021-01-01'] },
    valueCodeableConcept: {
      coding: [{ system: 'http://snomed.info/sct', code: '266919005' }],
      text: 'Never smoked',
    },
  },
  {
    resourceType: 'Observation',
    id: 'bare',
    status: 'final',
    subject: {
      type: 'Patient',
      identifier: { system: 'https://clinic.example.org/mrn', value: 'A-100' },
    },
    valueQuantity: { value: 5, comparator: '<', unit: 'mmol/L' },
  },
]
