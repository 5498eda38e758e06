import { expect, test } from 'vitest'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS, PATIENTS } from './resources.ts'

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
const V2 = 'http://terminology.hl7.org/CodeSystem/v2-0203'

test.each<[string, readonly string[]]>([
  ['code=2339-0', ['glucose']],
  ['code=http://loinc.org|2339-0', ['glucose']],
  ['code=http://snomed.info/sct|2339-0', []],
  ['code=http://loinc.org|', ['glucose', 'pressure', 'smoking']],
  ['code=|LOCAL', ['smoking']],
  ['code=|2339-0', []],
  ['code=local', ['smoking']],
  ['code=2339-0,http://loinc.org|85354-9', ['glucose', 'pressure']],
  ['code=2339-0&status=amended', []],
  [`category=${CATEGORY}%7Claboratory`, ['glucose']],
  ['category=LABORATORY', ['glucose']],
  ['category:not=laboratory', ['pressure', 'smoking', 'bare']],
  ['category:not=laboratory,vital-signs', ['smoking', 'bare']],
  ['category:missing=true', ['smoking', 'bare']],
  ['category:missing=false', ['glucose', 'pressure']],
  ['category:text=lab', ['glucose']],
  ['code:text=blood', ['glucose']],
  ['code:text=GLUC', ['glucose']],
  ['code:text=sugar', []],
  ['status=final', ['glucose', 'smoking', 'bare']],
  ['status=http://hl7.org/fhir/observation-status|final', ['glucose', 'smoking', 'bare']],
  ['status=http://hl7.org/fhir/observation-status|', ['glucose', 'pressure', 'smoking', 'bare']],
  ['status=http://example.org|final', []],
  ['status=|final', []],
  ['component-code=8462-4', ['pressure']],
  ['combo-code=http://loinc.org|8462-4', ['pressure']],
  ['value-concept=266919005', ['smoking']],
  ['_id=bare,glucose', ['glucose', 'bare']],
  ['_id=BARE', []],
])('Observation?%s finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, OBSERVATIONS)).toEqual(ids)
})

test.each<[string, readonly string[]]>([
  ['active=true', ['muller']],
  ['active=false', ['smith']],
  ['active=http://terminology.hl7.org/CodeSystem/special-values|true', ['muller']],
  ['active:not=true', ['smith', 'nobody']],
  ['gender=http://hl7.org/fhir/administrative-gender|female', ['smith']],
  ['identifier=a-100', ['muller']],
  ['identifier=https://clinic.example.org/mrn|A-100', ['muller']],
  ['identifier=|no-system', ['muller']],
  ['identifier=|A-100', []],
  ['identifier:text=medical', ['muller']],
  [`identifier:of-type=${V2}|MR|A-100`, ['muller']],
  [`identifier:of-type=${V2}|SS|A-100`, []],
  ['phone=555-0100', ['muller']],
  ['email=555-0100', ['smith']],
  ['telecom=555-0100', ['muller', 'smith']],
  ['telecom=phone|555-0100', []],
  ['language:text=swiss', ['muller']],
  ['language=gsw-ch', ['muller']],
  ['deceased=true', ['muller']],
  ['deceased=false', ['smith', 'nobody']],
  ['_tag=https://example.org/tags|vip', ['muller']],
  ['_security=R', ['muller']],
])('Patient?%s finds %j', (query, ids) => {
  expect(matching(`Patient?${query}`, PATIENTS)).toEqual(ids)
})

test('takes escaped separators as part of the code', () => {
  const code = (value: string) => ({
    resourceType: 'Observation',
    id: value,
    code: { coding: [{ system: 'urn:s', code: value }] },
  })
  const resources = ['a,b', 'a|b', 'a\\b', 'a$b', 'a', 'b'].map(code)

  expect(matching(String.raw`Observation?code=a\,b`, resources)).toEqual(['a,b'])
  expect(matching(String.raw`Observation?code=urn:s|a\|b`, resources)).toEqual(['a|b'])
  expect(matching(String.raw`Observation?code=a\\b`, resources)).toEqual(['a\\b'])
  expect(matching(String.raw`Observation?code=a\$b`, resources)).toEqual(['a$b'])
  expect(matching('Observation?code=a,b', resources)).toEqual(['a', 'b'])
})

test.each(['in', 'not-in', 'above', 'below', 'exact', 'Patient', 'constructor'])(
  'refuses :%s by name',
  (modifier) => {
    const error = thrownBy(() => matching(`Observation?code:${modifier}=secret`, []))

    expect(error).toMatchObject({
      code: 'SEARCH_UNSUPPORTED',
      type: 'Observation',
      parameter: `code:${modifier}`,
    })
    expect(String(error)).toContain(`:${modifier}`)
    expect(String(error)).not.toContain('secret')
  },
)

test.each(['code=a|b|c', 'code=|', 'code:missing=maybe', 'code:missing=true,false', 'code='])(
  'refuses %s as invalid, without quoting it',
  (query) => {
    const error = thrownBy(() => matching(`Observation?${query}`, []))

    expect(error).toMatchObject({ code: 'SEARCH_INVALID', type: 'Observation' })
    expect(String(error)).not.toContain('maybe')
  },
)

test(':of-type wants all three parts', () => {
  expect(thrownBy(() => matching('Patient?identifier:of-type=a|b', []))).toMatchObject({
    code: 'SEARCH_INVALID',
  })
  expect(thrownBy(() => matching('Patient?gender:of-type=a|b|c', []))).toMatchObject({
    code: 'SEARCH_UNSUPPORTED',
  })
})
