import type { Edition, ExportLevel } from '@flatfhir/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportAll, fill, finished, kickOff, refusalOf, type Json } from './parameters-provider.ts'
import { startTestProvider, type TestProvider } from './test-provider.ts'

const MANIFEST_TYPE = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest'
const BULK_DATA = 'http://hl7.org/fhir/uv/bulkdata'
const LEVEL_PATHS: Readonly<Record<ExportLevel, string>> = {
  system: '',
  patient: '/Patient',
  group: '/Group/one',
}
const LEVELS = Object.keys(LEVEL_PATHS) as ExportLevel[]
const EDITIONS: readonly Edition[] = ['stu1', 'stu2', 'stu3', 'stu4']
const providers = new Map<Edition, TestProvider>()

beforeAll(async () => {
  for (const edition of EDITIONS) {
    const provider = await startTestProvider({ provider: { exportEdition: edition } })
    providers.set(edition, provider)
    await fill(provider, [
      { resourceType: 'Patient', id: 'ann' },
      {
        ...{ resourceType: 'Group', id: 'one', type: 'person', actual: true },
        member: [{ entity: { reference: 'Patient/ann' } }],
      },
    ])
  }
})

afterAll(async () => {
  for (const provider of providers.values()) await provider[Symbol.asyncDispose]()
})

function speaking(edition: Edition): TestProvider {
  const provider = providers.get(edition)
  if (provider === undefined) throw new Error(`No provider speaks ${edition}`)
  return provider
}

describe.each(['stu1', 'stu2', 'stu3'] as const)('$export of %s', (edition) => {
  test.each(LEVELS)('at %s level answers GET and POST with request and error', async (level) => {
    const path = `${LEVEL_PATHS[level]}/$export`
    for (const body of [undefined, [{ name: '_type', valueString: 'Patient' }]]) {
      const input = body === undefined ? { path: `${path}?_type=Patient` } : { path, body }
      const { manifest, names } = await exportAll(speaking(edition), input)

      expect(names).toEqual(['Patient/ann'])
      expect(manifest['request']).toMatch(new RegExp(`^${speaking(edition).url}.*\\$export`))
      expect(manifest.error).toEqual([])
      expect(manifest).not.toHaveProperty('outcome')
      expect(manifest).not.toHaveProperty('manifestType')
      expect(manifest.output[0]).toMatchObject({ type: 'Patient', count: 1 })
      expect(Object.keys(Object(manifest.output[0]?.extension) as object)).toHaveLength(2)
      expect('deleted' in manifest).toBe(edition !== 'stu1')
    }
  })
})

describe.each([
  ['$export-v4', 'stu3'],
  ['%24export-v4', 'stu3'],
  ['$export-v4', 'stu4'],
  ['$export', 'stu4'],
] as const)('%s where $export speaks %s', (operation, edition) => {
  test.each(LEVELS)('at %s level answers POST with outcome and manifestType', async (level) => {
    const path = `${LEVEL_PATHS[level]}/${operation}`
    const body = [{ name: '_type', valueString: 'Patient' }]
    const { manifest } = await exportAll(speaking(edition), { path, body })
    const empty = await kickOff(speaking(edition), { path, body: [] })

    expect(manifest).toMatchObject({
      ...{ manifestType: MANIFEST_TYPE, outputFormat: 'application/fhir+ndjson' },
      ...{ requiresAccessToken: false, outcome: [], deleted: [] },
    })
    for (const name of ['request', 'error', 'link']) expect(manifest).not.toHaveProperty(name)
    const [file] = manifest.output
    expect(file).toMatchObject({ type: 'Patient', count: 1 })
    expect(file?.fileSize).toBeGreaterThan(0)
    const [digest] = file?.extension as readonly { readonly valueString: string }[]
    expect(digest?.valueString).toMatch(/^[0-9a-f]{64}$/)
    expect(empty.status).toBe(202)
  })

  test('answers GET with 405 and Allow: POST', async () => {
    const answer = await kickOff(speaking(edition), { path: `/Patient/${operation}` })

    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST'])
    expect(answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })

  test('takes no lists with commas and no other types of value', async () => {
    const path = `/${operation}`
    for (const parameter of [
      { name: '_type', valueString: 'Patient,Group' },
      { name: '_type', valueCode: 'Patient' },
      { name: '_since', valueString: '2020-01-01T00:00:00Z' },
      { name: 'includeAssociatedData', valueCode: 'LatestProvenanceResources' },
    ]) {
      const answer = await kickOff(speaking(edition), { path, body: [parameter] })
      expect([parameter, answer.status]).toEqual([parameter, 400])
      expect(refusalOf(answer)).toContain(parameter.name)
    }
  })
})

test('what was ignored is told in outcome of STU4, and in error before', async () => {
  const body = [{ name: 'unknown', valueString: 'x' }]
  const prefer = 'handling=lenient'

  const stu3 = await exportAll(speaking('stu3'), { path: '/$export', body, prefer })
  const stu4 = await exportAll(speaking('stu3'), { path: '/$export-v4', body, prefer })

  for (const { outcomes } of [stu3, stu4]) expect(outcomes).toHaveLength(1)
  expect(stu3.manifest.error).toHaveLength(1)
  expect(stu4.manifest.outcome).toHaveLength(1)
  expect(stu4.manifest.outcome?.[0]).not.toHaveProperty('type')
})

test('preferences that were applied are told, and only those', async () => {
  const provider = speaking('stu3')
  const plain = await kickOff(provider, { path: '/$export' })
  const separate = await kickOff(provider, { path: '/$export', prefer: 'separate-export-status' })

  expect(plain.headers['preference-applied']).toBe('respond-async')
  const applied = separate.headers['preference-applied'] ?? ''
  expect(applied.split(/, ?/).sort()).toEqual(['respond-async', 'separate-export-status'])
  expect((await finished(provider, plain)).headers['x-export-status']).toBeUndefined()
})

interface Operation {
  readonly name: string
  readonly definition: string
  readonly documentation: string
}

/** Names and versions of the operations of a level, as the CapabilityStatement lists them. */
async function operationsOf(provider: TestProvider, level: ExportLevel): Promise<Operation[]> {
  const { rest } = (await provider.request('/metadata')).json() as {
    readonly rest: readonly [
      {
        readonly operation: Operation[]
        readonly resource: readonly { readonly type: string; readonly operation?: Operation[] }[]
      },
    ]
  }
  const [{ operation, resource }] = rest
  if (level === 'system') return operation
  const type = { patient: 'Patient', group: 'Group' }[level]
  const operations = resource.find((each) => each.type === type)?.operation ?? []
  return operations.filter(({ name }) => name.includes('export'))
}

describe('the capabilities', () => {
  test.each(LEVELS)(
    'list both operations at %s level with versioned definitions',
    async (level) => {
      const id = { system: 'export', patient: 'patient-export', group: 'group-export' }[level]
      const definitions = (await operationsOf(speaking('stu3'), level)).map(
        ({ name, definition }) => [name, definition] as const,
      )

      const stu3 = `${BULK_DATA}/OperationDefinition/${id}|3.0.0`
      expect(definitions[0]).toEqual(['export', stu3])
      expect(definitions).toContainEqual([id, stu3])
      expect(definitions.at(-1)).toEqual([
        'export-v4',
        `${BULK_DATA}/OperationDefinition/${id}|4.0.0`,
      ])
    },
  )

  test('say so where $export speaks STU4', async () => {
    const [first] = await operationsOf(speaking('stu4'), 'system')

    expect([first?.name, first?.definition]).toEqual([
      ...['export', `${BULK_DATA}/OperationDefinition/export|4.0.0`],
    ])
  })

  test.each(EDITIONS)('OperationDefinitions of %s are true', async (edition) => {
    const provider = speaking(edition)
    for (const level of LEVELS) {
      for (const { documentation } of await operationsOf(provider, level)) {
        const url = /\S+\/OperationDefinition\/\S+/.exec(documentation)?.[0] ?? ''
        const answer = await provider.request(url.slice(provider.url.length))
        expect(answer.status).toBe(200)
        await expectTrue(provider, level, answer.json() as unknown as Definition)
      }
    }
  })

  test('every search parameter that is listed can be used, and no other', async () => {
    const { rest } = (await speaking('stu3').request('/metadata')).json() as {
      readonly rest: readonly [{ readonly resource: readonly Json[] }]
    }
    const [{ resource }] = rest
    const observation = resource.find(({ type }) => type === 'Observation')
    const listed = observation?.['searchParam'] as readonly { name: string; type: string }[]
    expect(listed.length).toBeGreaterThan(30)
    for (const { name } of listed) {
      const filter = encodeURIComponent(`Observation?${name}:missing=false`)
      const answer = await kickOff(speaking('stu3'), { path: `/$export?_typeFilter=${filter}` })
      expect([name, answer.status]).toEqual([name, 202])
    }
  })
})

interface Definition {
  readonly code: string
  readonly affectsState: boolean
  readonly parameter: readonly { readonly name: string; readonly max: string; type: string }[]
}

const VALUES: Readonly<Record<string, Json>> = {
  _outputFormat: { valueString: 'ndjson' },
  _since: { valueInstant: '2020-01-01T00:00:00Z' },
  _until: { valueInstant: '2040-01-01T00:00:00Z' },
  _type: { valueString: 'Patient' },
  _elements: { valueString: 'id' },
  patient: { valueReference: { reference: 'Patient/ann' } },
  includeAssociatedData: { valueCoding: { code: 'LatestProvenanceResources' } },
  _typeFilter: { valueString: 'Patient?_id=ann' },
  organizeOutputBy: { valueString: 'Patient' },
  allowPartialManifests: { valueBoolean: true },
  _minimumFileSize: { valuePositiveInt: 5000 },
  _maximumFileSize: { valuePositiveInt: 50_000 },
}

/** Each parameter that a definition has is taken, each that it has not is refused. */
async function expectTrue(
  provider: TestProvider,
  level: ExportLevel,
  { code, affectsState, parameter }: Definition,
): Promise<void> {
  const path = `${LEVEL_PATHS[level]}/$${code}`
  const get = await kickOff(provider, { path })
  expect([path, get.status]).toEqual([path, affectsState ? 405 : 202])
  const names = new Set(parameter.map(({ name }) => name))
  for (const [name, value] of Object.entries(VALUES)) {
    const answer = await kickOff(provider, { path, body: [{ name, ...value }] })
    expect([path, name, answer.status]).toEqual([path, name, names.has(name) ? 202 : 400])
  }
}

describe('the documentation page', () => {
  test('answers the questions of the IG without anything that could run', async () => {
    const answer = await speaking('stu3').request('/bulk-data-documentation')
    const text = answer.body.toString()

    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    expect(text).not.toMatch(/<script|<iframe|<img|<link|javascript:|\son\w+=/i)
    for (const words of ['profile', 'files', 'supporting', '_outputFormat', '_since', 'includeA']) {
      expect(text).toContain(words)
    }
  })

  test('escapes what comes from the configuration', async () => {
    const baseUrl = 'https://bulk.example.org/%3Cscript%3E/fhir&x'
    await using provider = await startTestProvider({ provider: { baseUrl } })

    const { body } = await provider.request('/bulk-data-documentation')

    expect(body.toString()).toContain('fhir&amp;x')
    expect(body.toString()).not.toContain('fhir&x')
  })
})
