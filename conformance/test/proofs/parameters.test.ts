import { bulkData, stu3, stu4 } from '@flatfhir/conformance'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  ASYNC,
  eventually,
  idsOf,
  observation,
  parameters,
  patient,
  startOpenProvider,
  type ConformanceProvider,
  type Json,
  type Manifest,
} from '../fixtures.ts'
import { verifies } from '../verifies.ts'

let provider: ConformanceProvider

beforeAll(async () => {
  provider = await startOpenProvider()
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

const query = (...pairs: readonly (readonly [string, string])[]): string =>
  new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()

const body = (...entries: readonly Json[]): RequestInit => {
  const post = parameters(...entries)
  return { ...post, headers: { ...ASYNC, 'content-type': 'application/fhir+json' } }
}

const forPatient = (id: string): Json => ({
  ...{ name: 'patient', valueReference: { reference: `Patient/${id}` } },
})

async function expectRefused(path: string, init: RequestInit = { headers: ASYNC }): Promise<void> {
  const answer = await provider.ask(path, init)
  expect([path, answer.status]).toEqual([path, 400])
  expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/)
  expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
}

verifies([75, 76, 78, 79, 80].map(bulkData), async () => {
  const typed = query(['_type', 'Patient,Observation'], ['_elements', 'Patient.gender,subject'])
  const { resources } = await provider.exported(`/$export?${typed}`)

  const [ann] = (await resources('Patient')).filter(({ id }) => id === 'ann')
  expect(ann).toMatchObject({ gender: 'female', meta: { tag: [{ code: 'SUBSETTED' }] } })
  expect(ann).not.toHaveProperty('birthDate')
  const [first] = (await resources('Observation')).filter(({ id }) => id === 'ann-1')
  expect(first).toMatchObject({ subject: { reference: 'Patient/ann' }, status: 'final', code: {} })
  expect(first).not.toHaveProperty('performer')
})

verifies(bulkData(77), async () => {
  await expectRefused('/$export?_elements=Patient.name.given')
})

verifies(bulkData(85), async () => {
  for (const path of ['/Patient/$export', '/Group/two/$export']) {
    const { resources } = await provider.exported(path, body(forPatient('ann')))
    expect(idsOf(await resources('Patient'))).toEqual(['ann'])
    expect(idsOf(await resources('Observation'))).toEqual(['ann-1'])
  }
})

verifies([bulkData(86), bulkData(87)], async () => {
  await expectRefused('/Patient/$export', body(forPatient('nobody')))
  await expectRefused('/Group/two/$export', body(forPatient('cyd')))
})

async function provenances(...values: readonly string[]): Promise<readonly string[]> {
  const pairs = values.map((value) => ['includeAssociatedData', value] as const)
  const { resources } = await provider.exported(`/Patient/$export?${query(...pairs)}`)
  return idsOf(await resources('Provenance'))
}

const LATEST = 'LatestProvenanceResources'
const RELEVANT = 'RelevantProvenanceResources'

verifies([92, 96, 97, 98, 99].map(bulkData), async () => {
  expect(await provenances(LATEST)).toEqual(['new'])
  expect(await provenances(RELEVANT)).toEqual(['new', 'old'])
  expect(await provenances(LATEST, RELEVANT)).toEqual(['new', 'old'])
})

verifies(bulkData(93), async () => {
  await expectRefused('/Patient/$export?includeAssociatedData=Nonsense')
})

async function filtered(...filters: readonly string[]): Promise<readonly string[]> {
  const pairs = filters.map((filter) => ['_typeFilter', filter] as const)
  const path = `/$export?${query(['_type', 'Patient'], ...pairs)}`
  return idsOf(await (await provider.exported(path)).resources())
}

verifies([bulkData(103), stu3('type-filter-matches')], async () => {
  expect(await filtered('Patient?gender=female')).toEqual(['ann', 'cyd'])
})

verifies([stu3('type-filter-or'), bulkData(117)], async () => {
  expect(await filtered('Patient?_id=ann', 'Patient?gender=male')).toEqual(['ann', 'bob'])
  expect(await filtered('Patient?_id=ann,Patient?gender=male')).toEqual(['ann', 'bob'])
})

verifies(
  [bulkData(105), stu3('type-filter-result-parameters'), stu3('type-filter-context')],
  async () => {
    const filters = [
      'Patient?nonsense=1',
      'Patient?_sort=birthdate',
      'Patient?_include=Patient:link',
    ]
    for (const filter of [...filters, '?gender=male', 'Patient/ann/Observation?status=final']) {
      await expectRefused(`/$export?${query(['_typeFilter', filter])}`)
    }
  },
)

verifies(
  [stu3('separate-export-status-applied'), stu3('separate-export-status-code')],
  async () => {
    await using slow = await startOpenProvider({
      ...{ population: [], jobs: { minimumInProgressMs: 600_000 } },
    })
    const headers = { ...ASYNC, prefer: 'respond-async, separate-export-status' }
    const ask = async (
      from: ConformanceProvider,
    ): Promise<{ readonly kickOff: Response; readonly status: Response }> => {
      const kickOff = await from.ask('/$export', { headers })
      const statusUrl = kickOff.headers.get('content-location') ?? ''
      return { kickOff, status: await from.ask(statusUrl) }
    }

    const { kickOff, status } = await ask(slow)

    expect(kickOff.status).toBe(202)
    const applied = kickOff.headers.get('preference-applied') ?? ''
    expect(applied).toContain('respond-async')
    expect(applied).toContain('separate-export-status')
    expect([status.status, status.headers.get('x-export-status')]).toEqual([200, '202'])
    const doneUrl = (await ask(provider)).kickOff.headers.get('content-location') ?? ''
    const done = await eventually(async () => {
      const answer = await provider.ask(doneUrl)
      return answer.headers.get('x-export-status') === '202' ? undefined : answer
    })
    expect([done.status, done.headers.get('x-export-status')]).toEqual([200, '200'])
  },
)

const header = (id: string): Json => ({
  resourceType: 'Parameters',
  parameter: [{ name: 'header', valueReference: { reference: `Patient/${id}` } }],
})

/** Patients of the blocks of a file, and the types in each block. */
function blocksOf(lines: readonly Json[]): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>()
  let current: string[] = []
  for (const line of lines) {
    if (line['resourceType'] === 'Parameters') {
      const [id = ''] = ['ann', 'bob', 'cyd'].filter(
        (each) => JSON.stringify(line) === JSON.stringify(header(each)),
      )
      current = blocks.get(id) ?? []
      blocks.set(id, current)
    } else current.push(`${String(line['resourceType'])}/${String(line['id'])}`)
  }
  return blocks
}

const ORGANIZED = [
  ...['organize-output-by', 'organize-output-by-header', 'organize-output-by-untyped'],
  ...['organize-output-by-named', 'organize-output-by-whole', 'organize-output-by-compartment'],
].map(stu3)

verifies(ORGANIZED, async () => {
  const { manifest, resources } = await provider.exported(
    '/Patient/$export?organizeOutputBy=Patient',
  )

  expect(manifest).toMatchObject({ outputOrganizedBy: 'Patient' })
  for (const entry of manifest.output) {
    expect(entry).not.toHaveProperty('type')
    expect(entry).not.toHaveProperty('continuesInFile')
  }
  const lines = await resources()
  expect(lines[0]).toMatchObject({ resourceType: 'Parameters' })
  const blocks = blocksOf(lines)
  expect([...blocks.keys()].sort()).toEqual(['ann', 'bob', 'cyd'])
  for (const [id, block] of blocks) {
    expect(block).toContain(`Patient/${id}`)
    expect(block).toContain(`Observation/${id}-1`)
    expect(block.filter((each) => /^(?:Patient|Observation)\//.test(each))).toHaveLength(2)
  }
})

verifies(stu3('organize-output-by-continues'), async () => {
  const population = [
    patient('ann', 'female'),
    ...Array.from({ length: 60 }, (_, index) => observation(`ann-${index}`, 'ann')),
  ]
  await using small = await startOpenProvider({
    ...{ population, jobs: { maxFileBytes: 4096 } },
  })

  const { manifest } = await small.exported('/Patient/$export?organizeOutputBy=Patient')

  expect(manifest.output.length).toBeGreaterThan(1)
  const urls = manifest.output.map(({ url }) => url)
  const continued = manifest.output.filter(({ continuesInFile }) => continuesInFile !== undefined)
  expect(continued).toHaveLength(urls.length - 1)
  for (const { continuesInFile = '' } of continued) expect(urls).toContain(continuesInFile)
  for (const url of urls) {
    const [first = ''] = (await (await fetch(url)).text()).split('\n')
    expect(JSON.parse(first)).toEqual(header('ann'))
  }
})

verifies(stu3('organize-output-by-unknown'), async () => {
  await expectRefused('/Patient/$export?organizeOutputBy=Practitioner')
})

verifies(
  [
    ...['partial-manifest-available', 'partial-manifest-unaltered', 'partial-files-unaltered'],
    ...['manifest-link'],
  ].map(stu3),
  async () => {
    const population = Array.from({ length: 200 }, (_, index) => patient(`p${index}`, 'other'))
    await using slow = await startOpenProvider({
      population,
      jobs: { minimumInProgressMs: 600_000, maxFileBytes: 4096, partitionBytes: 8192 },
    })
    const statusUrl = await slow.kickOff('/$export?allowPartialManifests=true')
    const partial = async (): Promise<Manifest | undefined> => {
      const answer = await slow.ask(statusUrl)
      expect(answer.status).toBe(202)
      const text = await answer.text()
      const manifest = text === '' ? undefined : (JSON.parse(text) as Manifest)
      return manifest === undefined || manifest.output.length === 0 ? undefined : manifest
    }

    const first = await eventually(partial)
    const texts = await Promise.all(first.output.map(async ({ url }) => (await fetch(url)).text()))
    const second = await eventually(async () => {
      const manifest = await partial()
      return manifest?.link === undefined ? undefined : manifest
    })

    for (const text of texts) expect(text).toMatch(/^\{.*\}\n$/s)
    expect(second.output.slice(0, first.output.length)).toEqual(first.output)
    expect(second.transactionTime).toBe(first.transactionTime)
    const again = await Promise.all(first.output.map(async ({ url }) => (await fetch(url)).text()))
    expect(again).toEqual(texts)
    const next = second.link?.find(({ relation }) => relation === 'next')
    const page = (await (await slow.ask(String(next?.['url']))).json()) as Manifest
    const { transactionTime, request, requiresAccessToken } = second
    expect(page).toMatchObject({ transactionTime, request, requiresAccessToken })
    const urls = new Set([...second.output, ...page.output].map(({ url }) => url))
    expect(urls.size).toBe(second.output.length + page.output.length)
  },
)

const STU4 = [
  ...['kick-off-post', 'kick-off-parameters', 'manifest-outcome', 'manifest-no-request'],
  'manifest-extensions',
].map(stu4)

verifies(STU4, async () => {
  const types = ['Patient', 'Practitioner'].map((valueString) => ({ name: '_type', valueString }))
  const { manifest, resources } = await provider.exported('/$export-v4', body(...types))

  expect(idsOf(await resources())).toEqual(['ann', 'bob', 'cyd', 'doc'])
  expect(manifest).not.toHaveProperty('request')
  expect(manifest).not.toHaveProperty('error')
  expect(manifest.outcome ?? []).toEqual([])
  for (const { extension } of manifest.output) expect(extension).toEqual(expect.any(Array))
})

verifies(stu4('kick-off-get'), async () => {
  const answer = await provider.ask('/$export-v4', { headers: ASYNC })

  expect(answer.status).toBe(405)
  expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
})

verifies(stu4('no-comma-lists'), async () => {
  const joined = { name: '_type', valueString: 'Patient,Practitioner' }
  await expectRefused('/$export-v4', body(joined))
})

verifies(stu4('provenance-coding'), async () => {
  const system = 'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data'
  const valueCoding = { system, code: LATEST }
  const coded = body({ name: 'includeAssociatedData', valueCoding })
  const { resources } = await provider.exported('/Patient/$export-v4', coded)

  expect(idsOf(await resources('Provenance'))).toEqual(['new'])
})
