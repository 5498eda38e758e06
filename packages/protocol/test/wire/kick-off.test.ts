import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RequestInvalidError } from '../../src/errors.ts'
import { RESOURCE_TYPES } from '../../src/generated/resource-types.ts'
import type { KickOffParameters } from '../../src/kick-off-parameters.ts'
import { decodeKickOffBody, decodeKickOffQuery } from '../../src/wire/decode-kick-off.ts'
import { encodeKickOffBody, encodeKickOffQuery } from '../../src/wire/encode-kick-off.ts'

const NOW = new Date('2026-11-23T01:00:00Z')
const STRICT = { lenient: false, now: NOW }
const LENIENT = { lenient: true, now: NOW }
const FORMAT = { outputFormat: 'application/fhir+ndjson' } as const

const anyParameters: fc.Arbitrary<KickOffParameters> = fc
  .record(
    {
      since: fc.date({ min: new Date(0), max: new Date(NOW.getTime() - 1), noInvalidDate: true }),
      until: fc.date({ min: NOW, max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }),
      types: fc.uniqueArray(fc.constantFrom(...RESOURCE_TYPES), { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .map((parameters) => ({ ...FORMAT, ...parameters }))

describe('round trips', () => {
  test('a query says what was written into it, in both styles', () => {
    fc.assert(
      fc.property(anyParameters, fc.boolean(), (parameters, repeatTypes) => {
        const text = encodeKickOffQuery(parameters, { repeatTypes }).toString()

        expect(decodeKickOffQuery(new URLSearchParams(text), STRICT)).toEqual({
          parameters,
          ignored: [],
        })
      }),
    )
  })

  test('a body says what was written into it', () => {
    fc.assert(
      fc.property(anyParameters, (parameters) => {
        const body: unknown = JSON.parse(JSON.stringify(encodeKickOffBody(parameters)))

        expect(decodeKickOffBody(body, STRICT)).toEqual({ parameters, ignored: [] })
      }),
    )
  })

  test('nothing to say is an empty query, and a body without an empty array', () => {
    expect(encodeKickOffQuery({}).toString()).toBe('')
    expect(encodeKickOffBody({})).toEqual({ resourceType: 'Parameters' })
  })

  test('an empty list of types is not turned into all types', () => {
    expect(() => encodeKickOffQuery({ types: [] })).toThrow(RangeError)
    expect(() => encodeKickOffBody({ types: [] })).toThrow(RangeError)
  })
})

describe('decodeKickOffQuery', () => {
  test.each([
    ['', FORMAT],
    ['_outputFormat=application/fhir%2Bndjson', FORMAT],
    ['_outputFormat=application/fhir+ndjson', FORMAT],
    ['_outputFormat=application/ndjson', FORMAT],
    ['_outputFormat=NDJSON', FORMAT],
    ['_type=Patient', { ...FORMAT, types: ['Patient'] }],
    [
      '_type=Patient,Observation&_type=Condition,Patient',
      { ...FORMAT, types: ['Patient', 'Observation', 'Condition'] },
    ],
    ['_type=Patient,+Observation', { ...FORMAT, types: ['Patient', 'Observation'] }],
    ['_since=2026-01-01T00:00:00Z', { ...FORMAT, since: new Date('2026-01-01T00:00:00Z') }],
    ['_since=2026-01-01T00:00:00+01:00', { ...FORMAT, since: new Date('2025-12-31T23:00:00Z') }],
    ['_since=2026-11-23T01:00:00Z', { ...FORMAT, since: NOW }],
    ['_until=2030-01-01T00:00:00%2B01:00', { ...FORMAT, until: new Date('2029-12-31T23:00:00Z') }],
  ])('reads ?%s', (query, parameters) => {
    expect(decodeKickOffQuery(new URLSearchParams(query), STRICT)).toEqual({
      parameters,
      ignored: [],
    })
  })

  test.each([
    ['_outputFormat=text/csv', 'not-supported', '_outputFormat'],
    ['_outputFormat=', 'not-supported', '_outputFormat'],
    ['_outputFormat=ndjson&_outputFormat=ndjson', 'structure', '_outputFormat'],
    ['_since=2026-01-01', 'value', '_since'],
    ['_since=', 'value', '_since'],
    ['_since=2026-11-23T01:00:00.001Z', 'value', '_since'],
    ['_since=2026-01-01T00:00:00Z&_since=2026-01-01T00:00:00Z', 'structure', '_since'],
    ['_until=tomorrow', 'value', '_until'],
    ['_since=2026-01-02T00:00:00Z&_until=2026-01-02T00:00:00Z', 'value', '_until'],
    ['_type=', 'value', '_type'],
    ['_type', 'value', '_type'],
    ['_type=Patient,', 'value', '_type'],
    ['_type=Patient,,Observation', 'value', '_type'],
    ['_type=patient', 'not-supported', '_type'],
  ])('refuses ?%s, whether it is lenient or not', (query, issueType, named) => {
    for (const options of [STRICT, LENIENT]) {
      const decode = () => decodeKickOffQuery(new URLSearchParams(query), options)

      expect(refusalOf(decode)).toMatchObject({
        issueType,
        message: expect.stringContaining(named) as string,
        nextStep: expect.any(String) as string,
      })
    }
  })

  test.each([
    '_typeFilter',
    '_elements',
    'patient',
    'includeAssociatedData',
    'organizeOutputBy',
    'allowPartialManifests',
    '_minimumFileSize',
    '_maximumFileSize',
    '_since:exact',
    'constructor',
    '__proto__',
    'whatever',
  ])('%s is refused, or ignored and reported once', (name) => {
    const query = new URLSearchParams([
      [name, 'Secret'],
      ['_type', 'Patient'],
      [name, 'Secret'],
    ])

    const refusal = refusalOf(() => decodeKickOffQuery(query, STRICT))
    const { parameters, ignored } = decodeKickOffQuery(query, LENIENT)

    expect(refusal).toMatchObject({ issueType: 'not-supported' })
    expect(refusal.message).toContain(name)
    expect(refusal.message).not.toContain('Secret')
    expect(parameters).toEqual({ ...FORMAT, types: ['Patient'] })
    expect(ignored).toEqual([{ name, reason: expect.stringContaining(name) as string }])
  })

  test('lenient: unknown types are ignored and reported while a known one is left', () => {
    const query = new URLSearchParams('_type=Foo,Patient,B4r,Foo')

    expect(decodeKickOffQuery(query, LENIENT)).toEqual({
      parameters: { ...FORMAT, types: ['Patient'] },
      ignored: [
        { name: '_type', reason: '_type names a resource type that FHIR R4 does not have: Foo' },
      ],
    })
    expect(() => decodeKickOffQuery(query, STRICT)).toThrow(/Foo/)
    expect(() => decodeKickOffQuery(new URLSearchParams('_type=Foo'), LENIENT)).toThrow(/Foo/)
  })

  test('quotes no value, and no name that could be one', () => {
    const hostile = fc.stringMatching(/^[0-9]{0,3}Smith\^[0-9 ,]{0,5}$/)
    const name = fc.constantFrom('_outputFormat', '_since', '_until', '_type', 'patient', 'x')
    fc.assert(
      fc.property(name, hostile, (parameter, value) => {
        const asValue = refusalOf(() =>
          decodeKickOffQuery(new URLSearchParams({ [parameter]: value }), STRICT),
        )
        const asName = refusalOf(() =>
          decodeKickOffQuery(new URLSearchParams({ [value]: 'x' }), STRICT),
        )

        expect(asValue.message).toContain(parameter)
        for (const { message, nextStep } of [asValue, asName]) {
          expect(`${message} ${nextStep ?? ''}`).not.toContain('Smith')
        }
      }),
    )
  })

  test('tells back only so many unknown types', () => {
    const names = Array.from({ length: 26 }, (_, index) => `X${String.fromCharCode(97 + index)}`)

    const { message } = refusalOf(() =>
      decodeKickOffQuery(new URLSearchParams({ _type: names.join(',') }), STRICT),
    )

    expect(message).toContain('Xa, Xb')
    expect(message).not.toContain('Xk')
  })
})

describe('decodeKickOffBody', () => {
  test('reads repeated types, comma lists, and the value types that clients send', () => {
    const body = parametersOf(
      { name: '_outputFormat', valueCode: 'ndjson' },
      { name: '_type', valueString: 'Patient,Group' },
      { name: '_type', valueCode: 'Observation' },
      { name: '_type', id: 'x', valueUri: 'Condition' },
      { name: '_since', valueInstant: '2026-01-01T00:00:00Z' },
      { name: '_until', valueDateTime: '2026-02-01T00:00:00Z' },
    )

    expect(decodeKickOffBody(body, STRICT).parameters).toEqual({
      ...FORMAT,
      types: ['Patient', 'Group', 'Observation', 'Condition'],
      since: new Date('2026-01-01T00:00:00Z'),
      until: new Date('2026-02-01T00:00:00Z'),
    })
  })

  test('a Parameters resource without parameters asks for everything', () => {
    expect(decodeKickOffBody({ resourceType: 'Parameters' }, STRICT).parameters).toEqual(FORMAT)
  })

  test.each([
    [{ name: '_since', valueInteger: 5 }, '_since'],
    [{ name: '_since', valueInstant: 5 }, '_since'],
    [{ name: '_since' }, '_since'],
    [{ name: '_type', valueString: 'Patient', valueCode: 'Group' }, '_type'],
    [{ name: '_type', valueReference: { reference: 'Patient/Secret' } }, '_type'],
    [{ name: '_type', part: [] }, '_type'],
    [{ name: '_type', valueString: 'Patient', resource: {} }, '_type'],
    [{ name: '_outputFormat', valueBoolean: true }, '_outputFormat'],
    [{ valueString: 'Secret' }, 'parameter[0]'],
    [{ name: 7 }, 'parameter[0]'],
    [null, 'parameter[0]'],
  ])('refuses %j, naming the parameter', (entry, named) => {
    const refusal = refusalOf(() => decodeKickOffBody(parametersOf(entry), LENIENT))

    expect(refusal).toMatchObject({ issueType: 'structure' })
    expect(refusal.message).toContain(named)
    expect(refusal.message).not.toContain('Secret')
  })

  test.each([
    [undefined],
    [null],
    ['Parameters'],
    [[]],
    [{}],
    [{ resourceType: 'Bundle' }],
    [{ resourceType: 'Parameters', parameter: {} }],
  ])('refuses %j as a body', (body) => {
    expect(refusalOf(() => decodeKickOffBody(body, STRICT)).issueType).toBe('structure')
  })

  test('an unsupported parameter is refused or ignored whatever its value is', () => {
    const body = parametersOf({ name: 'patient', valueReference: { reference: 'Patient/1' } })

    expect(refusalOf(() => decodeKickOffBody(body, STRICT)).message).toContain('patient')
    expect(decodeKickOffBody(body, LENIENT).ignored).toEqual([
      { name: 'patient', reason: 'The parameter patient is not supported' },
    ])
  })

  test('any JSON is read or refused with an error of our own', () => {
    const anyEntry = fc.record(
      {
        name: fc.constantFrom('_type', '_since', 'patient', 'x'),
        valueString: fc.jsonValue(),
        valueInstant: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyEntry, fc.jsonValue())),
        fc.boolean(),
        (parameter, lenient) => {
          try {
            decodeKickOffBody({ resourceType: 'Parameters', parameter }, { lenient, now: NOW })
          } catch (error) {
            expect(error).toBeInstanceOf(RequestInvalidError)
          }
        },
      ),
    )
  })
})

function parametersOf(...parameter: readonly unknown[]): object {
  return { resourceType: 'Parameters', parameter }
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
