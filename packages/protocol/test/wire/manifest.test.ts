import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManifestInvalidError } from '../../src/errors.ts'
import type { Manifest, ManifestFile } from '../../src/manifest.ts'
import { decodeManifest } from '../../src/wire/decode-manifest.ts'
import { encodeManifest } from '../../src/wire/encode-manifest.ts'

const HEX = '0123456789abcdef'.repeat(4)
const MINIMAL = {
  transactionTime: '2026-11-23T01:00:00.000Z',
  request: 'https://example.org/fhir/$export',
  requiresAccessToken: true,
  output: [],
  error: [],
}
const FULL: Manifest = {
  transactionTime: new Date('2026-11-23T01:00:00Z'),
  request: 'https://example.org/fhir/$export',
  requiresAccessToken: false,
  output: [
    { type: 'Patient', url: 'https://example.org/1', count: 2, fileSize: 300, sha256: HEX },
    { type: 'Patient', url: 'https://example.org/2' },
  ],
  deleted: [{ type: 'Bundle', url: 'https://example.org/3', count: 1 }],
  outcome: [{ type: 'OperationOutcome', url: 'https://example.org/4', fileSize: 0 }],
  next: 'https://example.org/next',
}

describe('encodeManifest', () => {
  test.each(['stu1', 'stu2', 'stu3'] as const)('%s', (edition) => {
    expect(encodeManifest(FULL, edition)).toEqual({
      transactionTime: '2026-11-23T01:00:00.000Z',
      request: 'https://example.org/fhir/$export',
      requiresAccessToken: false,
      output: [
        {
          type: 'Patient',
          url: 'https://example.org/1',
          count: 2,
          extension: {
            'https://flatfhir.org/fhir/extension/file-size': 300,
            'https://flatfhir.org/fhir/extension/sha256': HEX,
          },
        },
        { type: 'Patient', url: 'https://example.org/2' },
      ],
      deleted: [{ type: 'Bundle', url: 'https://example.org/3', count: 1 }],
      error: [
        {
          type: 'OperationOutcome',
          url: 'https://example.org/4',
          extension: { 'https://flatfhir.org/fhir/extension/file-size': 0 },
        },
      ],
      link: [{ relation: 'next', url: 'https://example.org/next' }],
    })
  })

  test('stu4', () => {
    expect(encodeManifest(FULL, 'stu4')).toEqual({
      manifestType: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest',
      transactionTime: '2026-11-23T01:00:00.000Z',
      requiresAccessToken: false,
      outputFormat: 'application/fhir+ndjson',
      output: [
        {
          type: 'Patient',
          url: 'https://example.org/1',
          count: 2,
          fileSize: 300,
          extension: [{ url: 'https://flatfhir.org/fhir/extension/sha256', valueString: HEX }],
        },
        { type: 'Patient', url: 'https://example.org/2' },
      ],
      deleted: [{ url: 'https://example.org/3', count: 1 }],
      outcome: [{ url: 'https://example.org/4', fileSize: 0 }],
      link: [{ relation: 'next', url: 'https://example.org/next' }],
    })
  })

  test('arrays are there when they are empty, but for deleted in stu1, which has none', () => {
    const empty = { ...FULL, output: [], deleted: [], outcome: [] }

    expect(encodeManifest(empty, 'stu1')).toMatchObject({ output: [], error: [] })
    expect(encodeManifest(empty, 'stu1')).not.toHaveProperty('deleted')
    expect(encodeManifest(empty, 'stu2')).toMatchObject({ output: [], error: [], deleted: [] })
    expect(encodeManifest(empty, 'stu4')).toMatchObject({ output: [], outcome: [], deleted: [] })
  })

  test('the request is required until stu3', () => {
    const { transactionTime, requiresAccessToken, output, deleted, outcome } = FULL
    const withoutRequest = { transactionTime, requiresAccessToken, output, deleted, outcome }

    expect(() => encodeManifest(withoutRequest, 'stu3')).toThrow(RangeError)
    expect(encodeManifest(withoutRequest, 'stu4')).not.toHaveProperty('request')
  })

  test('what is written is read back, in every edition', () => {
    const fileOf = (type: fc.Arbitrary<string>): fc.Arbitrary<ManifestFile> =>
      fc.record(
        {
          type,
          url: fc.webUrl(),
          count: fc.maxSafeNat(),
          fileSize: fc.maxSafeNat(),
          sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
          continuesInFile: fc.webUrl(),
        },
        { requiredKeys: ['type', 'url'] },
      )
    const extensionValue = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.constant(1.5))
    const anyManifest = fc.record(
      {
        transactionTime: fc.date({
          min: new Date('1900-01-01T00:00:00Z'),
          max: new Date('2200-01-01T00:00:00Z'),
          noInvalidDate: true,
        }),
        request: fc.webUrl(),
        requiresAccessToken: fc.boolean(),
        output: fc.array(fileOf(fc.constantFrom('Patient', 'Observation'))),
        deleted: fc.array(fileOf(fc.constant('Bundle'))),
        outcome: fc.array(fileOf(fc.constant('OperationOutcome'))),
        next: fc.webUrl(),
        outputOrganizedBy: fc.constant('Patient'),
        extensions: fc.dictionary(fc.webUrl(), extensionValue, { minKeys: 1 }),
      },
      {
        requiredKeys: [
          'transactionTime',
          'request',
          'requiresAccessToken',
          'output',
          'deleted',
          'outcome',
        ],
      },
    )
    fc.assert(
      fc.property(
        anyManifest,
        fc.constantFrom('stu1', 'stu2', 'stu3', 'stu4'),
        (parts, edition) => {
          const { outputOrganizedBy: type, output } = parts
          const manifest: Manifest =
            type === undefined
              ? parts
              : { ...parts, output: output.map((file) => ({ ...file, type })) }
          const text = JSON.stringify(encodeManifest(manifest, edition))
          const { request, ...common } = manifest

          expect(decodeManifest(JSON.parse(text))).toEqual(
            edition === 'stu4' ? common : { ...common, request },
          )
        },
      ),
    )
  })
})

describe('output organised by the resources of one type', () => {
  const ORGANIZED: Manifest = {
    ...FULL,
    outputOrganizedBy: 'Patient',
    outputOrganizedByDetail: 'Patient compartment',
    output: [
      { type: 'Patient', url: 'https://example.org/1', continuesInFile: 'https://example.org/2' },
      { type: 'Patient', url: 'https://example.org/2', count: 2 },
    ],
    outcome: [
      {
        type: 'OperationOutcome',
        url: 'https://example.org/4',
        countBySeverity: { error: 1, information: 2 },
      },
    ],
    extensions: { 'https://example.org/a': 'x', 'https://example.org/b': 2 ** 40 },
  }

  test.each(['stu1', 'stu2', 'stu3', 'stu4'] as const)(
    'has files without a type in %s',
    (edition) => {
      const json = encodeManifest(ORGANIZED, edition)

      expect(json).toMatchObject({ outputOrganizedBy: 'Patient' })
      expect(json['output']).toEqual([
        { url: 'https://example.org/1', continuesInFile: 'https://example.org/2' },
        { url: 'https://example.org/2', count: 2 },
      ])
      expect(decodeManifest(json).output).toEqual(ORGANIZED.output)
    },
  )

  test('has its detail, and counts by severity, in stu4 only', () => {
    const { request, ...expected } = ORGANIZED

    expect(decodeManifest(encodeManifest(ORGANIZED, 'stu4'))).toEqual(expected)
    expect(decodeManifest(encodeManifest(ORGANIZED, 'stu3')).request).toBe(request)
    expect(encodeManifest(ORGANIZED, 'stu4')).toMatchObject({
      outputOrganizedByDetail: 'Patient compartment',
      outcome: [
        {
          countSeverity: [
            { code: 'error', count: 1 },
            { code: 'information', count: 2 },
          ],
        },
      ],
      extension: [
        { url: 'https://example.org/a', valueString: 'x' },
        { url: 'https://example.org/b', valueDecimal: 2 ** 40 },
      ],
    })
    const stu3 = encodeManifest(ORGANIZED, 'stu3')
    expect(stu3).not.toHaveProperty('outputOrganizedByDetail')
    expect(JSON.stringify(stu3)).not.toContain('countSeverity')
    expect(stu3).toMatchObject({ extension: ORGANIZED.extensions })
  })

  test('counts by severity that cannot be read are passed over', () => {
    const countSeverity = [null, { code: 'worse', count: 1 }, { code: 'fatal', count: -1 }]

    const { outcome } = decodeManifest({ ...MINIMAL, outcome: [{ url: 'x', countSeverity }] })

    expect(outcome).toEqual([{ type: 'OperationOutcome', url: 'x' }])
  })

  test('a file that goes on nowhere is refused', () => {
    const output = [{ url: 'x', continuesInFile: 's3://Secret' }]

    expect(() => decodeManifest({ ...MINIMAL, outputOrganizedBy: 'Patient', output })).toThrow(
      "The manifest's output[0].continuesInFile is not an HTTP URL",
    )
  })
})

describe('decodeManifest', () => {
  test.each([
    ['no arrays at all', { output: undefined, error: undefined }],
    ['null instead of arrays', { output: null, deleted: null, error: null, link: null }],
    ['a boolean as text', { requiresAccessToken: 'true' }],
    ['no requiresAccessToken', { requiresAccessToken: null }],
    ['links of other relations', { link: [{ relation: 'self', url: 'x:y' }, null, 7] }],
    ['fields of its own', { JobID: 7, extension: { 'https://example.org': {} } }],
    ['an organiser of no name', { outputOrganizedBy: '', outputOrganizedByDetail: 7 }],
  ])('takes a manifest with %s', (_, changes) => {
    expect(decodeManifest({ ...MINIMAL, ...changes })).toEqual({
      transactionTime: new Date(MINIMAL.transactionTime),
      request: MINIMAL.request,
      requiresAccessToken: true,
      output: [],
      deleted: [],
      outcome: [],
    })
  })

  test.each([
    ['digits as text', { count: '12', fileSize: '34' }, { count: 12, fileSize: 34 }],
    ['nulls', { count: null, fileSize: null, extension: null }, {}],
    ['a size of nothing', { count: 0, fileSize: 0 }, { count: 0, fileSize: 0 }],
    [
      "DPC's extensions as an object",
      {
        extension: {
          'https://dpc.cms.gov/checksum': `sha256:${HEX.toUpperCase()}`,
          'https://dpc.cms.gov/file_length': 34,
        },
      },
      { fileSize: 34, sha256: HEX },
    ],
    [
      "DPC's extensions as an array",
      {
        extension: [
          { url: 'https://dpc.cms.gov/checksum', valueString: `sha256:${HEX}` },
          { url: 'https://dpc.cms.gov/file_length', valueDecimal: 34 },
        ],
      },
      { fileSize: 34, sha256: HEX },
    ],
    [
      "somebody's extensions",
      { extension: [null, 1, { url: 'https://example.org', valueString: 'x' }, { url: 7 }] },
      {},
    ],
    [
      'a checksum of another algorithm',
      { extension: { 'https://dpc.cms.gov/checksum': 'md5:00' } },
      {},
    ],
    ['an extension that is no object', { extension: 'x' }, {}],
  ])('takes a file with %s', (_, fields, expected) => {
    const url = 'https://example.org/1'
    const json = { ...MINIMAL, output: [{ type: 'Patient', url, ...fields }] }

    expect(decodeManifest(json).output).toEqual([{ type: 'Patient', url, ...expected }])
  })

  test('takes error and outcome together, and files without a type', () => {
    const json = {
      ...MINIMAL,
      error: [{ url: 'a' }],
      outcome: [{ url: 'b', type: 'OperationOutcome' }],
      deleted: [{ url: 'c' }],
    }

    const { outcome, deleted } = decodeManifest(json)

    expect(outcome).toEqual([
      { type: 'OperationOutcome', url: 'a' },
      { type: 'OperationOutcome', url: 'b' },
    ])
    expect(deleted).toEqual([{ type: 'Bundle', url: 'c' }])
  })

  test.each([
    ['/files/1?x=y', 'relative'],
    ['HTTP://example.org/1', 'absolute'],
    ['//example.org/1', 'without a scheme'],
  ])('keeps the URL %s as it is (%s)', (url) => {
    expect(decodeManifest({ ...MINIMAL, link: [{ relation: 'next', url }] }).next).toBe(url)
  })

  test.each([
    [{ transactionTime: undefined }, 'transactionTime'],
    [{ transactionTime: '2026-11-23' }, 'transactionTime'],
    [{ transactionTime: 1_767_225_600_000 }, 'transactionTime'],
    [{ request: 7 }, 'request'],
    [{ requiresAccessToken: 'Secret' }, 'requiresAccessToken'],
    [{ output: { 0: {} } }, 'output'],
    [{ error: 'Secret' }, 'error'],
    [{ output: [null] }, 'output[0]'],
    [{ output: [[]] }, 'output[0]'],
    [{ output: [{ url: 'https://example.org/1' }] }, 'output[0].type'],
    [{ output: [{ type: '', url: 'https://example.org/1' }] }, 'output[0].type'],
    [{ output: [file(), file({ url: undefined })] }, 'output[1].url'],
    [{ output: [file({ url: '' })] }, 'output[0].url'],
    [{ output: [file({ url: 'https://' })] }, 'output[0].url'],
    [{ output: [file({ url: 's3://Secret/1' })] }, 'output[0].url'],
    [{ output: [file({ url: 'file:///etc/Secret' })] }, 'output[0].url'],
    [{ output: [file({ count: -1 })] }, 'output[0].count'],
    [{ output: [file({ count: 1.5 })] }, 'output[0].count'],
    [{ output: [file({ count: 'Secret' })] }, 'output[0].count'],
    [{ output: [file({ count: '9'.repeat(30) })] }, 'output[0].count'],
    [{ deleted: [{ url: 'x', fileSize: {} }] }, 'deleted[0].fileSize'],
    [{ outcome: [{ url: 7 }] }, 'outcome[0].url'],
    [
      { output: [file({ extension: { 'https://dpc.cms.gov/checksum': 'sha256:Secret' } })] },
      'output[0].extension[https://dpc.cms.gov/checksum]',
    ],
    [{ link: [{ relation: 'next' }] }, 'link[0].url'],
    [{ link: 'Secret' }, 'link'],
  ])('refuses %j, naming the place only', (changes, path) => {
    const decode = () => decodeManifest({ ...MINIMAL, ...changes })

    expect(decode).toThrow(ManifestInvalidError)
    expect(decode).toThrow(`The manifest's ${path} is not `)
    expect(decode).not.toThrow(/Secret/)
  })

  test.each([[null], [undefined], ['x'], [[]], [{}]])('refuses %j', (json) => {
    expect(() => decodeManifest(json)).toThrow(ManifestInvalidError)
  })

  test('any JSON is read or refused with an error of our own', () => {
    const anyFile = fc.record({
      type: fc.oneof(fc.constant('Patient'), fc.jsonValue()),
      url: fc.oneof(fc.webUrl(), fc.jsonValue()),
      extension: fc.jsonValue(),
      count: fc.jsonValue(),
    })
    const anyJson = fc.record({
      transactionTime: fc.constant(MINIMAL.transactionTime),
      output: fc.oneof(fc.array(fc.oneof(anyFile, fc.jsonValue())), fc.jsonValue()),
      link: fc.jsonValue(),
    })
    fc.assert(
      fc.property(fc.oneof(anyJson, fc.jsonValue()), (json) => {
        try {
          decodeManifest(json)
        } catch (error) {
          expect(error).toBeInstanceOf(ManifestInvalidError)
        }
      }),
    )
  })
})

function file(changes: object = {}): object {
  return { type: 'Patient', url: 'https://example.org/1', ...changes }
}
