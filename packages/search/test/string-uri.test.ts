import { expect, test } from 'vitest'
import { matching, thrownBy } from './matching.ts'
import { PATIENTS } from './resources.ts'

test.each<[string, readonly string[]]>([
  ['family=mull', ['muller']],
  ['family=MÜLLER', ['muller']],
  ['family=ller', []],
  ['family:contains=LLER', ['muller']],
  ['family:exact=Müller', ['muller']],
  ['family:exact=Muller', []],
  ['family:exact=Mül', []],
  [String.raw`family=Smith\,`, ['smith']],
  ['family=Smi,Mul', ['muller', 'smith']],
  ['given=anton', ['muller']],
  ['name=jo', ['muller']],
  ['name=dr', ['muller']],
  ['name=jojo+the', ['muller']],
  ['name=jojo%20the', ['muller']],
  ['name=great', []],
  ['name:contains=great', ['muller']],
  ['name:exact=Ann', ['smith']],
  ['name:missing=true', ['nobody']],
  ['address=hof', ['muller']],
  ['address=hauptstrasse', []],
  ['address=301', ['muller']],
  ['address-city=bern', ['muller']],
  ['address-state=be&address-city=zug', []],
])('Patient?%s finds %j', (query, ids) => {
  expect(matching(`Patient?${query}`, PATIENTS)).toEqual(ids)
})

test('searches texts and the text of concepts in value-string', () => {
  const resources = [
    { resourceType: 'Observation', id: 'string', valueString: 'Positive' },
    { resourceType: 'Observation', id: 'concept', valueCodeableConcept: { text: 'Positive' } },
    { resourceType: 'Observation', id: 'neither', valueQuantity: { value: 1 } },
  ]

  expect(matching('Observation?value-string=pos', resources)).toEqual(['string', 'concept'])
})

test.each<[string, readonly string[]]>([
  ['url=https://example.org/vs/1', ['one']],
  ['url=https://example.org/vs', []],
  ['url=https://example.org/VS/1', []],
  ['url:below=https://example.org/vs/', ['one', 'ten']],
  ['url:above=https://example.org/vs/10/_history/5', ['one', 'ten']],
  ['url=urn:oid:1.2.3,https://example.org/vs/10', ['ten', 'oid']],
  ['url:missing=true', ['none']],
])('ValueSet?%s finds %j', (query, ids) => {
  const resources = [
    { resourceType: 'ValueSet', id: 'one', url: 'https://example.org/vs/1' },
    { resourceType: 'ValueSet', id: 'ten', url: 'https://example.org/vs/10' },
    { resourceType: 'ValueSet', id: 'oid', url: 'urn:oid:1.2.3' },
    { resourceType: 'ValueSet', id: 'none' },
  ]

  expect(matching(`ValueSet?${query}`, resources)).toEqual(ids)
})

test('searches _source and _profile as URIs', () => {
  const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient'

  expect(matching('Patient?_source=https://lab.example.org/feed%23a', PATIENTS)).toEqual(['muller'])
  expect(matching('Patient?_source:below=https://lab.example.org/', PATIENTS)).toEqual(['muller'])
  expect(matching(`Patient?_profile=${profile}`, PATIENTS)).toEqual(['muller'])
  expect(matching(`Patient?_profile=${profile}|6.1.0`, PATIENTS)).toEqual(['muller'])
  expect(matching(`Patient?_profile=${profile}|7.0.0`, PATIENTS)).toEqual([])
})

test.each(['Patient?name:not=x', 'Patient?name:text=x', 'ValueSet?url:contains=x'])(
  'refuses the modifier of %s',
  (search) => {
    expect(thrownBy(() => matching(search, []))).toMatchObject({ code: 'SEARCH_UNSUPPORTED' })
  },
)
