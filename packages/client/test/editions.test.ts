import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ExportOptions } from '@flatfhir/client'
import type { ProviderScript, RecordedRequest } from '@flatfhir/testkit'
import { eventsOf, exportFrom, failureOf, filesIn, ndjson, startProvider } from './fixtures.ts'

const DEFINITION = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export'

function capabilities(
  operations: readonly (readonly [string, string])[],
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const operation = operations.map(([name, definition]) => ({ name, definition }))
  return { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', operation }], ...more }
}

async function kickOffOf(
  script: ProviderScript,
  options: Partial<ExportOptions>,
): Promise<RecordedRequest> {
  const provider = await startProvider(script)
  await exportFrom(provider, { edition: 'auto', profile: 'auto', ...options })
  const request = provider.requests.find(({ path }) => path.includes('$export'))
  if (request === undefined) throw new Error('There was no kick-off')
  return request
}

const EVERYTHING = {
  types: ['Patient', 'Observation'],
  since: new Date('2026-01-02T03:04:05Z'),
  until: new Date('2026-02-02T03:04:05Z'),
  typeFilters: ['Observation?category=laboratory', 'Observation?code=a,b'],
  elements: ['id', 'Patient.birthDate'],
  includeAssociatedData: ['LatestProvenanceResources'],
  organizeOutputBy: 'Patient',
  allowPartialManifests: true,
  outputFormat: 'application/fhir+ndjson',
  vendor: [{ name: '_container', value: 'weekly' }],
}

describe('the kick-off', () => {
  test.each([
    [[['export', `${DEFINITION}|2.0.0`]], 'GET', '/fhir/$export'],
    [[['export', `${DEFINITION}|4.0.0-ballot`]], 'POST', '/fhir/$export'],
    [
      [
        ['export-v4', `${DEFINITION}|4.0.0-ballot`],
        ['export', `${DEFINITION}|3.0.0`],
      ],
      'GET',
      '/fhir/$export',
    ],
    [[['export-v4', `${DEFINITION}|4.0.0-ballot`]], 'POST', '/fhir/$export-v4'],
    [[], 'GET', '/fhir/$export'],
  ] as const)('for a provider with %j is %s %s', async (operations, method, path) => {
    const request = await kickOffOf({ capabilities: capabilities(operations) }, {})

    expect(request).toMatchObject({ method, path })
  })

  test('is a GET of STU2 where there is no CapabilityStatement', async () => {
    expect(await kickOffOf({}, {})).toMatchObject({ method: 'GET', path: '/fhir/$export' })
  })

  test('has every parameter in the query, lists joined where they can be', async () => {
    const { path } = await kickOffOf({}, { parameters: EVERYTHING, edition: 'stu3' })

    expect(Object.fromEntries(grouped(new URL(path, 'http://x').searchParams))).toEqual({
      _type: ['Patient,Observation'],
      _since: ['2026-01-02T03:04:05.000Z'],
      _until: ['2026-02-02T03:04:05.000Z'],
      _typeFilter: ['Observation?category=laboratory', 'Observation?code=a,b'],
      _elements: ['id,Patient.birthDate'],
      includeAssociatedData: ['LatestProvenanceResources'],
      organizeOutputBy: ['Patient'],
      allowPartialManifests: ['true'],
      _outputFormat: ['application/fhir+ndjson'],
      _container: ['weekly'],
    })
  })

  test.each(['stu3', 'stu4'] as const)('has every parameter in the body (%s)', async (edition) => {
    const parameters = { ...EVERYTHING, patients: ['a', 'Patient/b'] }
    const request = await kickOffOf({}, { parameters, edition })

    expect(request.method).toBe('POST')
    const { parameter } = JSON.parse(request.body) as { parameter: unknown[] }
    expect(parameter).toContainEqual({ name: '_type', valueString: 'Observation' })
    expect(parameter).toContainEqual({ name: '_since', valueInstant: '2026-01-02T03:04:05.000Z' })
    expect(parameter).toContainEqual({
      name: 'patient',
      valueReference: { reference: 'Patient/a' },
    })
    expect(parameter).toContainEqual({
      name: 'patient',
      valueReference: { reference: 'Patient/b' },
    })
    expect(parameter).toContainEqual({ name: 'allowPartialManifests', valueBoolean: true })
    expect(parameter).toContainEqual(
      edition === 'stu3'
        ? { name: 'includeAssociatedData', valueCode: 'LatestProvenanceResources' }
        : {
            name: 'includeAssociatedData',
            valueCoding: {
              system: 'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data',
              code: 'LatestProvenanceResources',
            },
          },
    )
  })

  test('names its preferences', async () => {
    const request = await kickOffOf({}, { lenient: true, separateExportStatus: true })

    expect(request.headers['prefer']).toBe(
      'respond-async, separate-export-status, handling=lenient',
    )
  })

  test.each([
    [{ edition: 'stu4', method: 'GET' }],
    [{ method: 'GET', parameters: { patients: ['a'] } }],
    [{ parameters: { types: [] } }],
    [{ parameters: { vendor: [{ name: '_type', value: 'Patient' }] } }],
    [{ profile: 'nobody' }],
    [{ gzip: true, compactBytes: 1 }],
  ] as const)('is refused with the options %j', async (options) => {
    const provider = await startProvider()

    expect((await failureOf(provider, options)).code).toBe('EXPORT_OPTIONS_INVALID')
  })
})

describe('a vendor is known', () => {
  test.each([
    [{ software: { name: 'Epic' } }, 'epic'],
    [{ publisher: 'Cerner' }, 'oracle-health'],
    [{ publisher: 'Oracle Health' }, 'oracle-health'],
    [{ software: { name: 'athenahealth' } }, 'athenahealth'],
    [{ software: { name: 'Beneficiary Claims Data API' } }, 'bcda'],
    [{ software: { name: 'AB2D' } }, 'ab2d'],
    [{ software: { name: 'Data at the Point of Care API' } }, 'dpc'],
    [{ software: { name: 'HAPI FHIR Server' } }, 'hapi'],
    [{ software: { name: 'Azure Healthcare APIs' } }, 'azure'],
    [{ software: { name: 'Something else' } }, 'generic'],
  ])('by %j as %s, and its gaps are in the receipt', async (more, id) => {
    const provider = await startProvider({ capabilities: capabilities([], more) })

    const { report } = await exportFrom(provider, { profile: 'auto' })

    expect(report.receipt.server.profile).toBe(id)
    expect(report.receipt.server.knownGaps.length > 0).toBe(id !== 'generic')
  })

  test('with a floor under the time between polls', async () => {
    const provider = await startProvider({
      status: [{ status: 202, headers: { 'retry-after': '1' } }],
    })

    const { clock } = await exportFrom(provider, { profile: 'epic' })

    expect(clock.waits).toEqual([60_000])
  })

  test('by a refusal that means "tomorrow"', async () => {
    const diagnostics = 'Request not allowed: The Client requested this Group too recently.'
    const body = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'processing', diagnostics }],
    }
    const provider = await startProvider({ kickOff: [{ status: 400, body }] })

    const { report, clock } = await exportFrom(provider, { profile: 'epic' })

    expect(report.verdict).toBe('complete')
    expect(clock.waits).toEqual([86_400_000])
  })

  test('by 500s of a status that pass', async () => {
    const body = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'exception' }],
    }
    const status = [{ status: 504, body }]

    const oracle = await exportFrom(await startProvider({ status }), { profile: 'oracle-health' })
    const error = await failureOf(await startProvider({ status }))

    expect(oracle.report.verdict).toBe('complete')
    expect(error.code).toBe('EXPORT_FAILED')
  })
})

describe('a manifest that grows', () => {
  const files = Array.from({ length: 6 }, (_, index) => ({
    type: 'Patient',
    content: ndjson('Patient', index + 1),
  }))

  test('is followed while the job runs: files are fetched as they appear, each once', async () => {
    const provider = await startProvider({ files, filesPerPage: 2, partial: [1, 1, 2] })

    const { report, directory, events } = await exportFrom(provider, {
      parameters: { allowPartialManifests: true },
    })

    expect(report).toMatchObject({ verdict: 'complete', resources: 21 })
    expect(await filesIn(directory)).toHaveLength(6)
    for (const index of files.keys()) expect(provider.requestsForFile(index)).toHaveLength(1)
    const firstDownload = events.findIndex(({ type }) => type === 'download-started')
    const manifest = events.findIndex(({ type }) => type === 'manifest')
    expect(firstDownload).toBeLessThan(manifest)
    expect(eventsOf(events, 'manifest-page').map(({ page }) => page)).toContain(2)
    expect(await readFile(join(directory, 'Patient.005.ndjson'), 'utf8')).toBe(files[5]?.content)
  })
})

describe('files organised by patient', () => {
  const header = (id: string): string =>
    `{"resourceType":"Parameters","parameter":[{"name":"header","valueReference":{"reference":"Patient/${id}"}}]}\n`
  const content = `${header('0')}${ndjson('Patient', 1)}${ndjson('Observation', 3)}`

  test.each([5, 4])('are checked line by line, whatever is counted (%i)', async (count) => {
    const provider = await startProvider({
      files: [{ type: 'x', content, entry: { type: undefined, count } }],
      manifest: (manifest) => ({ ...manifest, outputOrganizedBy: 'Patient' }),
    })

    const { report, directory } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', problems: [] })
    expect(await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')).toBe(content)
  })
})

function grouped(query: URLSearchParams): ReadonlyMap<string, readonly string[]> {
  return new Map([...new Set(query.keys())].map((name) => [name, query.getAll(name)]))
}
