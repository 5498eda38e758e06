import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ElementSelector } from '../../src/elements/element-selection.ts'
import { RequestInvalidError } from '../../src/errors.ts'
import { RESOURCE_TYPES } from '../../src/generated/resource-types.ts'
import type {
  AssociatedData,
  KickOffParameters,
  TypeFilter,
} from '../../src/kick-off-parameters.ts'
import {
  decodeKickOffBody,
  decodeKickOffQuery,
  type DecodeKickOffOptions,
} from '../../src/wire/decode-kick-off.ts'
import { encodeKickOffBody, encodeKickOffQuery } from '../../src/wire/encode-kick-off.ts'
import { DEFINITIONS, KICK_OFF_PARAMETER_NAMES } from '../../src/wire/kick-off-definitions.ts'

const NOW = new Date('2026-11-23T01:00:00Z')
const FORMAT = { outputFormat: 'application/fhir+ndjson' } as const
const SUPPORT = { parameters: KICK_OFF_PARAMETER_NAMES }
const STRICT: DecodeKickOffOptions = { lenient: false, now: NOW, support: SUPPORT }
const LENIENT: DecodeKickOffOptions = { ...STRICT, lenient: true }
const STU4: DecodeKickOffOptions = { ...STRICT, edition: 'stu4' }
const SYSTEM = 'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data'

const anyType = fc.constantFrom(...RESOURCE_TYPES)
const anyFilter: fc.Arbitrary<TypeFilter> = fc.record({
  type: anyType,
  query: fc
    .array(fc.stringMatching(/^[a-z-]{1,9}(:[a-z]{1,5})?=[ -~äß]{0,20}$/), { maxLength: 3 })
    .map((criteria) => criteria.join('&').replaceAll('?', '')),
})
const anyElement: fc.Arbitrary<ElementSelector> = fc.constantFrom<ElementSelector[]>(
  { element: 'birthDate' },
  { element: 'value' },
  { type: 'Patient', element: 'name' },
  { type: 'Observation', element: 'value' },
)
const anyAssociated = fc.constantFrom<AssociatedData[]>(
  'LatestProvenanceResources',
  'RelevantProvenanceResources',
)
const queryParameters = {
  since: fc.date({ min: new Date(0), max: new Date(NOW.getTime() - 1), noInvalidDate: true }),
  until: fc.date({ min: NOW, max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }),
  types: fc.uniqueArray(anyType, { minLength: 1 }),
  typeFilters: fc.uniqueArray(anyFilter, {
    minLength: 1,
    maxLength: 4,
    selector: ({ type, query }) => `${type}?${query}`,
  }),
  elements: fc.uniqueArray(anyElement, { minLength: 1 }),
  includeAssociatedData: fc.uniqueArray(anyAssociated, { minLength: 1 }),
  organizeOutputBy: fc.constant('Patient' as const),
  allowPartialManifests: fc.boolean(),
}
const bodyParameters = {
  ...queryParameters,
  patients: fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/), { minLength: 1 }),
}
const stu4Parameters = {
  ...bodyParameters,
  minimumFileSize: fc.integer({ min: 1, max: 1000 }),
  maximumFileSize: fc.integer({ min: 1001, max: 2_147_483_647 }),
}

function anyOf<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<KickOffParameters> {
  return fc.record(model, { requiredKeys: [] }).map((parameters) => ({ ...FORMAT, ...parameters }))
}

describe('round trips', () => {
  test('a query says what was written into it, in both styles', () => {
    fc.assert(
      fc.property(anyOf(queryParameters), fc.boolean(), (parameters, repeatTypes) => {
        const text = encodeKickOffQuery(parameters, { repeatTypes }).toString()

        expect(decodeKickOffQuery(new URLSearchParams(text), STRICT)).toEqual({
          parameters,
          ignored: [],
        })
      }),
    )
  })

  test.each(['stu1', 'stu2', 'stu3', 'stu4'] as const)('a body of %s does', (edition) => {
    const model = edition === 'stu4' ? anyOf(stu4Parameters) : anyOf(bodyParameters)
    fc.assert(
      fc.property(model, (parameters) => {
        const body: unknown = JSON.parse(JSON.stringify(encodeKickOffBody(parameters, edition)))

        expect(decodeKickOffBody(body, { ...STRICT, edition })).toEqual({ parameters, ignored: [] })
      }),
    )
  })

  test.each<[string, () => unknown]>([
    ['patients in a query', () => encodeKickOffQuery({ patients: ['1'] })],
    ['file sizes in a query', () => encodeKickOffQuery({ minimumFileSize: 1 })],
    ['file sizes before STU4', () => encodeKickOffBody({ maximumFileSize: 1 }, 'stu3')],
    ['no patients', () => encodeKickOffBody({ patients: [] })],
    ['no elements', () => encodeKickOffQuery({ elements: [] })],
  ])('%s cannot be written', (_, encode) => {
    expect(encode).toThrow(RangeError)
  })
})

describe('_typeFilter', () => {
  test.each<[string, readonly TypeFilter[]]>([
    ['Encounter?status=planned', [{ type: 'Encounter', query: 'status=planned' }]],
    [
      'Encounter?status=planned,Condition?code=a,b,Patient?',
      [
        { type: 'Encounter', query: 'status=planned' },
        { type: 'Condition', query: 'code=a,b' },
        { type: 'Patient', query: '' },
      ],
    ],
    [
      String.raw`Condition?code=a\,Patient?b`,
      [{ type: 'Condition', query: String.raw`code=a\,Patient?b` }],
    ],
    ['Condition?code=a%2CPatient', [{ type: 'Condition', query: 'code=a%2CPatient' }]],
    [
      'MedicationRequest%3Fstatus%3Dactive%2Ccompleted%26intent%3Dorder,Condition%3Fcode%3Dx',
      [
        { type: 'MedicationRequest', query: 'status=active,completed&intent=order' },
        { type: 'Condition', query: 'code=x' },
      ],
    ],
  ])('%s is read as STU1 to STU3 mean it', (text, typeFilters) => {
    const query = new URLSearchParams([['_typeFilter', text]])

    const { parameters } = decodeKickOffQuery(query, STRICT)

    expect(parameters.typeFilters).toEqual(typeFilters)
  })

  test('is repeated, and each is taken once', () => {
    const query = new URLSearchParams(
      '_typeFilter=Encounter%3Fa%3D1&_typeFilter=Encounter%3Fa%3D2,Encounter%3Fa%3D1',
    )

    expect(decodeKickOffQuery(query, STRICT).parameters.typeFilters).toEqual([
      { type: 'Encounter', query: 'a=1' },
      { type: 'Encounter', query: 'a=2' },
    ])
  })

  test('is one query a value in STU4', () => {
    const text = 'Condition?code=a,Patient?b=c'

    const { parameters } = decodeKickOffBody(
      bodyOf({ name: '_typeFilter', valueString: text }),
      STU4,
    )

    expect(parameters.typeFilters).toEqual([{ type: 'Condition', query: 'code=a,Patient?b=c' }])
  })

  test.each(['', '?status=x', 'status=x', 'Patient/1/Observation?code=x', 'Observation', '%3F%'])(
    '%j is not about one type',
    (text) => {
      const query = new URLSearchParams([['_typeFilter', text]])

      for (const options of [STRICT, LENIENT]) {
        expect(refusalOf(() => decodeKickOffQuery(query, options))).toMatchObject({
          issueType: 'value',
          message: expect.stringContaining('_typeFilter') as string,
        })
      }
    },
  )

  test('a type that R4 does not have is refused, or left out and reported', () => {
    const query = new URLSearchParams([['_typeFilter', 'Foo?a=b']])

    expect(refusalOf(() => decodeKickOffQuery(query, STRICT)).message).toContain(': Foo')
    expect(decodeKickOffQuery(query, LENIENT)).toEqual({
      parameters: FORMAT,
      ignored: [{ name: '_typeFilter', reason: expect.stringContaining(': Foo') as string }],
    })
  })
})

describe('_elements', () => {
  test('names root elements, with a type or for all', () => {
    const query = new URLSearchParams(
      '_elements=id,Patient.name&_elements=Observation.value[x],deceasedBoolean,id',
    )

    expect(decodeKickOffQuery(query, STRICT).parameters.elements).toEqual([
      { element: 'id' },
      { type: 'Patient', element: 'name' },
      { type: 'Observation', element: 'value' },
      { element: 'deceased' },
    ])
  })

  test.each([
    ['Patient.name.family', 'value'],
    ['name.family', 'value'],
    ['id,,meta', 'value'],
    ['', 'value'],
    ['Patient.subject', 'not-supported'],
    ['Foo.id', 'not-supported'],
    ['birthdate', 'not-supported'],
    ['Patient.', 'not-supported'],
    ['Patient', 'not-supported'],
    ['__proto__', 'not-supported'],
  ])('%j is refused, whether lenient or not', (text, issueType) => {
    for (const options of [STRICT, LENIENT]) {
      const query = new URLSearchParams([['_elements', text]])

      expect(refusalOf(() => decodeKickOffQuery(query, options))).toMatchObject({
        issueType,
        message: expect.stringContaining('_elements') as string,
      })
    }
  })

  test('lenient: unknown ones are reported while a known one is left', () => {
    const query = new URLSearchParams('_elements=id,Patient.subject,Smith-1')

    expect(decodeKickOffQuery(query, LENIENT)).toEqual({
      parameters: { ...FORMAT, elements: [{ element: 'id' }] },
      ignored: [
        {
          name: '_elements',
          reason: '_elements names an element that FHIR R4 does not have: Patient.subject',
        },
      ],
    })
  })
})

describe('patient', () => {
  const BASE = 'https://example.org/fhir'

  test('takes references of this server, relative and absolute, each once', () => {
    const body = bodyOf(
      patient('Patient/1'),
      patient(`${BASE}/Patient/2`),
      patient('Patient/1/_history/3'),
      { name: 'patient', valueString: 'Patient/4' },
    )

    const { parameters } = decodeKickOffBody(body, { ...STRICT, fhirBaseUrl: BASE, level: 'group' })

    expect(parameters.patients).toEqual(['1', '2', '4'])
  })

  test.each([
    'https://elsewhere.example/fhir/Patient/1',
    `${BASE}Patient/1`,
    'Group/1',
    '1',
    '',
    'Patient/Secret_1',
    'Patient?identifier=Secret',
  ])('refuses %j and does not quote it', (reference) => {
    for (const options of [STRICT, LENIENT]) {
      const decode = () =>
        decodeKickOffBody(bodyOf(patient(reference)), { ...options, fhirBaseUrl: `${BASE}/` })

      const { issueType, message, nextStep = '' } = refusalOf(decode)

      expect(issueType).toBe('value')
      expect(message).toContain('patient')
      expect(message + nextStep).not.toMatch(/Secret|elsewhere/)
    }
  })

  test('a reference without a literal reference has a wrong value', () => {
    const entry = { name: 'patient', valueReference: { identifier: { value: 'Secret' } } }

    expect(refusalOf(() => decodeKickOffBody(bodyOf(entry), STRICT)).issueType).toBe('structure')
  })

  test('is for POST, at the patient and group levels', () => {
    const query = new URLSearchParams({ patient: 'Patient/1' })
    const body = bodyOf(patient('Patient/1'))

    expect(refusalOf(() => decodeKickOffQuery(query, STRICT)).message).toContain('POST')
    expect(decodeKickOffQuery(query, LENIENT).ignored).toMatchObject([{ name: 'patient' }])
    expect(
      refusalOf(() => decodeKickOffBody(body, { ...STRICT, level: 'system' })).message,
    ).toContain('system level')
    expect(decodeKickOffBody(body, { ...LENIENT, level: 'system' })).toEqual({
      parameters: FORMAT,
      ignored: [{ name: 'patient', reason: expect.stringContaining('system level') as string }],
    })
    expect(decodeKickOffBody(body, { ...STRICT, level: 'patient' }).parameters.patients).toEqual([
      '1',
    ])
  })
})

describe('includeAssociatedData', () => {
  test.each([
    { valueCode: 'LatestProvenanceResources' },
    { valueString: 'LatestProvenanceResources' },
    { valueCoding: { system: SYSTEM, code: 'LatestProvenanceResources' } },
    { valueCoding: { code: 'LatestProvenanceResources' } },
  ])('is taken from %j', (value) => {
    const body = bodyOf({ name: 'includeAssociatedData', ...value })

    expect(decodeKickOffBody(body, STRICT).parameters.includeAssociatedData).toEqual([
      'LatestProvenanceResources',
    ])
  })

  test.each([
    'latestProvenanceResources',
    '_custom',
    'https://example.org|LatestProvenanceResources',
    `${SYSTEM}|Other`,
  ])('%s is not supported', (text) => {
    const query = new URLSearchParams([
      ['includeAssociatedData', `${text},RelevantProvenanceResources`],
    ])

    expect(refusalOf(() => decodeKickOffQuery(query, STRICT))).toMatchObject({
      issueType: 'not-supported',
      message: expect.stringContaining('includeAssociatedData') as string,
    })
    const { parameters, ignored } = decodeKickOffQuery(query, LENIENT)
    expect(parameters.includeAssociatedData).toEqual(['RelevantProvenanceResources'])
    expect(ignored).toMatchObject([{ name: 'includeAssociatedData' }])
  })

  test("a provider's own values and no others, where it says so", () => {
    const support = { ...SUPPORT, associatedData: new Set<AssociatedData>(['_all']) }
    const read = (value: string) =>
      decodeKickOffQuery(new URLSearchParams({ includeAssociatedData: value }), {
        ...LENIENT,
        support,
      }).parameters

    expect(read('_all').includeAssociatedData).toEqual(['_all'])
    expect(read('LatestProvenanceResources')).toEqual(FORMAT)
  })

  test('without a code it is invalid', () => {
    const query = new URLSearchParams([['includeAssociatedData', `${SYSTEM}|`]])

    expect(refusalOf(() => decodeKickOffQuery(query, LENIENT)).issueType).toBe('value')
  })
})

describe('output', () => {
  test('is organised by the types that the provider has', () => {
    const read = (type: string, options = STRICT) =>
      decodeKickOffQuery(new URLSearchParams({ organizeOutputBy: type }), options)
    const support = { ...SUPPORT, organizers: new Set(['Encounter'] as const) }

    expect(read('Patient').parameters.organizeOutputBy).toBe('Patient')
    expect(read('Encounter', { ...STRICT, support }).parameters.organizeOutputBy).toBe('Encounter')
    for (const [type, options] of [
      ['patient', STRICT],
      ['Encounter', STRICT],
      ['Patient', { ...STRICT, support }],
    ] as const) {
      expect(refusalOf(() => read(type, options)).message).toContain('organizeOutputBy')
      expect(read(type, { ...options, lenient: true })).toMatchObject({
        parameters: FORMAT,
        ignored: [{ name: 'organizeOutputBy' }],
      })
    }
  })

  test.each([
    [{ name: 'allowPartialManifests', valueBoolean: true }, { allowPartialManifests: true }],
    [{ name: 'allowPartialManifests', valueString: 'false' }, { allowPartialManifests: false }],
  ])('%j is read', (entry, expected) => {
    expect(decodeKickOffBody(bodyOf(entry), STRICT).parameters).toEqual({ ...FORMAT, ...expected })
  })

  test.each(['TRUE', '1', ''])('allowPartialManifests=%s is refused', (text) => {
    const query = new URLSearchParams({ allowPartialManifests: text })

    expect(refusalOf(() => decodeKickOffQuery(query, LENIENT)).issueType).toBe('value')
  })

  test.each([0, -1, 1.5, 2_147_483_648, 1e21, Number.NaN])(
    'a file size of %s is refused',
    (size) => {
      const body = bodyOf({ name: '_minimumFileSize', valuePositiveInt: size })

      expect(refusalOf(() => decodeKickOffBody(body, STU4)).message).toContain('_minimumFileSize')
    },
  )

  test('the largest file is larger than the smallest', () => {
    const sizes = (minimum: number, maximum: number) =>
      bodyOf(
        { name: '_maximumFileSize', valuePositiveInt: maximum },
        { name: '_minimumFileSize', valuePositiveInt: minimum },
      )

    expect(decodeKickOffBody(sizes(1, 2), STU4).parameters).toEqual({
      ...FORMAT,
      minimumFileSize: 1,
      maximumFileSize: 2,
    })
    expect(refusalOf(() => decodeKickOffBody(sizes(2, 2), STU4)).issueType).toBe('value')
  })

  test('file sizes came with STU4', () => {
    const body = bodyOf({ name: '_maximumFileSize', valuePositiveInt: 5 })

    expect(refusalOf(() => decodeKickOffBody(body, STRICT)).message).toContain('STU4')
    expect(decodeKickOffBody(body, LENIENT).ignored).toMatchObject([{ name: '_maximumFileSize' }])
  })
})

describe('STU4', () => {
  test('has no GET', () => {
    expect(refusalOf(() => decodeKickOffQuery(new URLSearchParams(), STU4))).toMatchObject({
      issueType: 'not-supported',
      message: expect.stringContaining('POST') as string,
    })
  })

  test.each(['_type', '_elements'])('%s is repeated, not a list with commas', (name) => {
    const values = name === '_type' ? ['Patient', 'Encounter'] : ['id', 'Patient.name']
    const list = bodyOf({ name, valueString: values.join(',') })
    const repeated = bodyOf(...values.map((valueString) => ({ name, valueString })))

    for (const options of [STU4, { ...STU4, lenient: true }]) {
      expect(refusalOf(() => decodeKickOffBody(list, options)).message).toContain(name)
      expect(decodeKickOffBody(repeated, options).ignored).toEqual([])
    }
    expect(decodeKickOffBody(list, STRICT).ignored).toEqual([])
  })

  test.each([
    [{ name: '_type', valueCode: 'Patient' }],
    [{ name: '_since', valueDateTime: '2026-01-01T00:00:00Z' }],
    [{ name: 'includeAssociatedData', valueCode: 'LatestProvenanceResources' }],
    [{ name: 'allowPartialManifests', valueString: 'true' }],
    [{ name: 'allowPartialManifests', valueBoolean: 'true' }],
    [{ name: '_minimumFileSize', valueInteger: 5 }],
    [{ name: '_minimumFileSize', valuePositiveInt: '5' }],
    [{ name: 'patient', valueString: 'Patient/1' }],
    [{ name: 'patient', valueReference: 'Patient/1' }],
    [{ name: 'includeAssociatedData', valueCoding: { system: 7, code: 'x' } }],
  ])('%j has a value of a wrong type', (entry) => {
    expect(refusalOf(() => decodeKickOffBody(bodyOf(entry), STU4))).toMatchObject({
      issueType: 'structure',
      message: expect.stringContaining(entry.name) as string,
    })
  })
})

describe('support', () => {
  test.each(DEFINITIONS.map(({ name }) => name))('%s is refused where it is left out', (name) => {
    const support = {
      parameters: new Set([...KICK_OFF_PARAMETER_NAMES].filter((other) => other !== name)),
    }
    const body = bodyOf({ name, valueString: 'Secret' })

    const refusal = refusalOf(() => decodeKickOffBody(body, { ...STU4, support }))
    const { parameters, ignored } = decodeKickOffBody(body, { ...STU4, support, lenient: true })

    expect(refusal).toMatchObject({ issueType: 'not-supported' })
    expect(refusal.message).toBe(`The parameter ${name} is not supported`)
    expect(parameters).toEqual(FORMAT)
    expect(ignored).toEqual([{ name, reason: refusal.message }])
  })

  test('any JSON is read or refused with an error of our own, in every edition', () => {
    const values = fc.record(
      {
        name: fc.constantFrom(...KICK_OFF_PARAMETER_NAMES),
        valueString: fc.jsonValue(),
        valueReference: fc.jsonValue(),
        valueCoding: fc.oneof(fc.jsonValue(), fc.record({ system: fc.jsonValue() })),
        valueBoolean: fc.jsonValue(),
        valuePositiveInt: fc.jsonValue(),
      },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(
        fc.array(values, { maxLength: 3 }),
        fc.constantFrom('stu2', 'stu4'),
        fc.boolean(),
        (...[entries, edition, lenient]) => {
          try {
            decodeKickOffBody(bodyOf(...entries), { ...STRICT, edition, lenient })
          } catch (error) {
            expect(error).toBeInstanceOf(RequestInvalidError)
          }
        },
      ),
    )
  })
})

function bodyOf(...parameter: readonly unknown[]): object {
  return { resourceType: 'Parameters', parameter }
}

function patient(reference: string): object {
  return { name: 'patient', valueReference: { reference } }
}

function refusalOf(decode: () => unknown): RequestInvalidError {
  try {
    decode()
  } catch (error) {
    if (error instanceof RequestInvalidError) return error
    throw error
  }
  throw new Error('It should have been refused')
}
