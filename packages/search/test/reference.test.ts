import type { ResourceReference } from '@flatfhir/protocol'
import { expect, test } from 'vitest'
import type { JsonObject } from '../src/json.ts'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS, PATIENTS } from './resources.ts'

const OTHER = 'https://other.example.org/fhir'

test.each<[string, readonly string[]]>([
  ['subject=Patient/muller', ['glucose']],
  ['subject=muller', ['glucose']],
  ['subject:Patient=smith', ['pressure']],
  ['subject=Patient/smith/_history/9', ['pressure']],
  ['subject=Group/muller', []],
  ['subject:Group=muller', []],
  ['subject=muller,smith', ['glucose', 'pressure']],
  ['patient=Patient/muller', ['glucose']],
  ['patient=smith', ['pressure']],
  [`performer=${OTHER}/Practitioner/p1`, ['glucose']],
  ['performer=p1', []],
  ['performer=Practitioner/p1', []],
  ['subject:identifier=https://clinic.example.org/mrn|A-100', ['bare']],
  ['patient:identifier=a-100', ['bare']],
  ['subject:missing=false', ['glucose', 'pressure', 'smoking', 'bare']],
  ['encounter:missing=true', ['glucose', 'pressure', 'smoking', 'bare']],
])('Observation?%s finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, OBSERVATIONS)).toEqual(ids)
})

test('counts absolute URLs of this server as its own', () => {
  const options = { baseUrl: OTHER }

  for (const query of ['p1', 'Practitioner/p1', `${OTHER}/Practitioner/p1`]) {
    expect(matching(`Observation?performer=${query}`, OBSERVATIONS, options)).toEqual(['glucose'])
  }
  expect(matching(`Observation?subject=${OTHER}/Patient/muller`, OBSERVATIONS, options)).toEqual([
    'glucose',
  ])
})

test('tells an id of one type from the same id of another', () => {
  expect(matching('Patient?general-practitioner=p1', PATIENTS)).toEqual(['muller', 'smith'])
  expect(matching('Patient?general-practitioner:Organization=p1', PATIENTS)).toEqual(['smith'])
})

test('patient looks at references to patients only', () => {
  const encounters = [
    { reference: 'Patient/1' },
    { reference: 'Group/1' },
    { reference: 'https://a.example.org/Patient/1/_history/2' },
    { reference: 'urn:uuid:1', type: 'Patient' },
    { reference: '#p' },
    { display: 'somebody' },
  ].map((subject, id) => ({
    resourceType: 'Encounter',
    id,
    subject,
    contained: [{ resourceType: 'Patient', id: 'p' }],
  }))

  expect(matching('Encounter?patient:missing=false', encounters)).toEqual([0, 2, 3, 4])
  expect(matching('Encounter?patient=1', encounters)).toEqual([0])
  expect(matching('Encounter?subject=1', encounters)).toEqual([0, 1])
  expect(matching('Encounter?subject=urn:uuid:1', encounters)).toEqual([3])
  expect(matching('Encounter?patient=https://a.example.org/Patient/1', encounters)).toEqual([2])
})

test('finds canonical URLs with and without their version', () => {
  const plan = (id: string, canonical: string): JsonObject => ({
    resourceType: 'CarePlan',
    id,
    instantiatesCanonical: [canonical],
  })
  const plans = [plan('v1', 'http://a.example.org/p|1'), plan('plain', 'http://a.example.org/p')]
  const search = 'CarePlan?instantiates-canonical=http://a.example.org/p'

  expect(matching(search, plans)).toEqual(['v1', 'plain'])
  expect(matching(String.raw`${search}\|1`, plans)).toEqual(['v1'])
  expect(matching(`${search}|1`, plans)).toEqual(['v1'])
})

test('searches the first entry of a bundle by what it is', () => {
  const bundle = {
    resourceType: 'Bundle',
    id: 'b',
    entry: [
      { resource: { resourceType: 'Composition', id: 'c' } },
      { resource: { resourceType: 'Composition', id: 'd' } },
    ],
  }

  expect(matching('Bundle?composition=c', [bundle])).toEqual(['b'])
  expect(matching('Bundle?composition=Composition/c', [bundle])).toEqual(['b'])
  expect(matching('Bundle?composition=d', [bundle])).toEqual([])
})

const resolve = ({ type, id }: ResourceReference): JsonObject | undefined =>
  PATIENTS.find((one) => one['resourceType'] === type && one['id'] === id)

test.each<[string, readonly string[]]>([
  ['subject.name=mull', ['glucose']],
  ['subject:Patient.name=mull', ['glucose']],
  ['patient.birthdate=1970', ['glucose', 'pressure']],
  ['patient.gender=other', ['smoking']],
  ['patient.gender:not=male', ['pressure', 'smoking']],
  ['subject:Patient.family:exact=Müller', ['glucose']],
  ['patient._id=smith', ['pressure']],
  ['subject:Group.type=person', []],
  ['status=amended&patient.gender=female,male', ['pressure']],
])('Observation?%s follows the reference and finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, OBSERVATIONS, { resolve })).toEqual(ids)
})

test('asks for nothing that the other criteria already rule out', () => {
  const asked: string[] = []
  const record = (reference: ResourceReference): undefined => {
    asked.push(reference.id)
  }

  matching('Observation?patient.name=x&status=amended', OBSERVATIONS, { resolve: record })

  expect(asked).toEqual(['smith'])
})

test.each([
  'subject.general-practitioner.name=x',
  'code.name=x',
  'subject.nonsense=x',
  'subject:Practitioner.name=x',
  'subject:Device.birthdate=1970',
])('refuses the chain %s by name', (query) => {
  expect(thrownBy(() => matching(`Observation?${query}`, [], { resolve }))).toMatchObject({
    code: 'SEARCH_UNSUPPORTED',
    parameter: query.slice(0, query.indexOf('=')),
  })
})

test('refuses chains where nothing can be resolved', () => {
  expect(thrownBy(() => matching('Observation?subject.name=x', []))).toMatchObject({
    code: 'SEARCH_UNSUPPORTED',
    parameter: 'subject.name',
  })
})

test.each(['subject=a/b', 'subject=not an id', 'subject:Patient=Group/1', 'subject:Patient=a:b'])(
  'refuses %s',
  (query) => {
    expect(thrownBy(() => matching(`Observation?${query}`, []))).toMatchObject({
      code: 'SEARCH_INVALID',
    })
  },
)

test.each(['subject:Observation=1', 'subject:in=1', 'subject:toString=1'])(
  'refuses %s',
  (query) => {
    expect(thrownBy(() => matching(`Observation?${query}`, []))).toMatchObject({
      code: 'SEARCH_UNSUPPORTED',
    })
  },
)
