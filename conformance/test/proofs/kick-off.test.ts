import { bulkData, smart, stu1, stu3 } from '@flatfhir/conformance'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  ASYNC,
  idsOf,
  observation,
  parameters,
  patient,
  startOpenProvider,
  type ConformanceProvider,
  type Exported,
} from '../fixtures.ts'
import { verifies } from '../verifies.ts'

let provider: ConformanceProvider
const exports = new Map<string, Promise<Exported>>()

/** The same export only once. */
async function exported(path: string): Promise<Exported> {
  const known = exports.get(path) ?? provider.exported(path)
  exports.set(path, known)
  return await known
}

beforeAll(async () => {
  provider = await startOpenProvider()
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

const LEVELS: readonly (readonly [readonly number[], string])[] = [
  [[223, 229, 299], '/$export'],
  [[225, 272, 273, 297], '/Patient/$export'],
  [[224, 249, 250, 298], '/Group/two/$export'],
]

for (const [ids, path] of LEVELS) {
  verifies(ids.map(bulkData), async () => {
    const answer = await provider.ask(path, { headers: ASYNC })

    expect(answer.status).toBe(202)
    const statusUrl = answer.headers.get('content-location') ?? ''
    expect(statusUrl).toMatch(/^http:\/\//)
    expect([200, 202]).toContain((await fetch(statusUrl)).status)
  })
}

const TAKEN = [13, 20, 28, 227, 29, 228, 300, 301].map(bulkData)

verifies([...TAKEN, stu1('kick-off-get')], async () => {
  const answer = await provider.ask('/$export?_outputFormat=application%2Ffhir%2Bndjson', {
    headers: ASYNC,
  })

  expect(answer.status).toBe(202)
  expect(answer.headers.get('content-location')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir\//)
})

verifies(bulkData(32), async () => {
  const repeated = await exported('/$export?_type=Patient&_type=Practitioner')
  const joined = await exported('/$export?_type=Patient,Practitioner')

  const ids = idsOf(await repeated.resources())
  expect(ids).toEqual(['ann', 'bob', 'cyd', 'doc'])
  expect(idsOf(await joined.resources())).toEqual(ids)
})

verifies([33, 66, 35].map(bulkData), async () => {
  const all = await exported('/Patient/$export')

  expect(idsOf(await all.resources('Patient'))).toEqual(['ann', 'bob', 'cyd'])
  expect(idsOf(await all.resources('Observation'))).toEqual(['ann-1', 'bob-1', 'cyd-1'])
  expect(idsOf(await all.resources('Organization'))).toEqual([])
})

verifies([34, 65, 36].map(bulkData), async () => {
  const members = await exported('/Group/two/$export')

  expect(idsOf(await members.resources('Patient'))).toEqual(['ann', 'bob'])
  expect(idsOf(await members.resources('Observation'))).toEqual(['ann-1', 'bob-1'])
})

verifies(bulkData(42), async () => {
  const read = await provider.ask('/Group/two')
  const searched = await provider.ask('/Group?_id=two')

  expect(read.status).toBe(200)
  expect(await searched.json()).toMatchObject({ resourceType: 'Bundle', total: 1 })
})

verifies([47, 231, 251, 274, 49, 51, 52].map(bulkData), async () => {
  for (const format of ['application/fhir+ndjson', 'application/ndjson', 'ndjson']) {
    for (const level of ['', '/Patient', '/Group/two']) {
      const path = `${level}/$export?_outputFormat=${encodeURIComponent(format)}`
      expect((await provider.ask(path, { headers: ASYNC })).status).toBe(202)
    }
  }
})

verifies([53, 234, 254, 277, 59].map(bulkData), async () => {
  const since = (await exported('/$export?_type=Organization')).manifest.transactionTime
  await provider.put(observation('later', 'ann'))

  for (const level of ['', '/Patient', '/Group/two']) {
    const delta = await provider.exported(`${level}/$export?_since=${encodeURIComponent(since)}`)
    expect(idsOf(await delta.resources('Observation'))).toContain('later')
    expect(idsOf(await delta.resources('Observation'))).not.toContain('bob-1')
  }
  await provider.remove('Observation', 'later')
})

verifies(stu3('until'), async () => {
  const until = (await provider.exported('/$export?_type=Organization')).manifest.transactionTime
  await provider.put(patient('late', 'other'))

  const query = `_type=Patient&_until=${encodeURIComponent(until)}`
  const before = await provider.exported(`/$export?${query}`)

  expect(idsOf(await before.resources())).toEqual(['ann', 'bob', 'cyd'])
  await provider.remove('Patient', 'late')
})

verifies([bulkData(56), bulkData(68)], async () => {
  const pages = await Promise.all(
    ['../../../docs/client.md', '../../../README.md', '../../../ARCHITECTURE.md'].map((page) =>
      readFile(new URL(page, import.meta.url), 'utf8'),
    ),
  )

  const text = pages.join('\n')
  expect(text).toMatch(/full history/i)
  expect(text).toMatch(/outside (of )?the compartment|refer(red)? to outside/i)
})

verifies(bulkData(62), async () => {
  const { manifest } = await exported('/$export?_type=Patient,Practitioner')

  expect(manifest.output.map(({ type }) => type).sort()).toEqual(['Patient', 'Practitioner'])
})

verifies([bulkData(70), bulkData(108), smart(244), bulkData(303), bulkData(304)], async () => {
  const paths = [
    '/$export?_type=Nonsense',
    '/$export?_outputFormat=text%2Fcsv',
    '/$export?_since=yesterday',
    '/$export?_typeFilter=Patient%3F_sort%3Dname',
  ]

  for (const path of paths) {
    const answer = await provider.ask(path, { headers: ASYNC })
    expect([path, answer.status]).toEqual([path, 400])
    expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/)
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  }
})

verifies(bulkData(71), async () => {
  for (const path of ['/Patient/$export?_type=StructureDefinition']) {
    const answer = await provider.ask(path, { headers: ASYNC })
    expect([path, answer.status]).toEqual([path, 400])
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  }
})

verifies([109, 110].map(bulkData), async () => {
  const all = await exported('/Patient/$export')

  expect(idsOf(await all.resources('Provenance'))).toEqual(['new', 'old'])
})

verifies([111, 112].map(bulkData), async () => {
  const all = await exported('/$export')
  const patients = await exported('/$export?_type=Patient')

  expect(idsOf(await all.resources('Provenance'))).toEqual(['new', 'old'])
  expect(patients.manifest.output.map(({ type }) => type)).toEqual(['Patient'])
})

verifies(bulkData(158), async () => {
  const post = await provider.exported('/Patient/$export', {
    ...parameters({ name: '_type', valueString: 'Patient' }),
    headers: { ...ASYNC, 'content-type': 'application/fhir+json' },
  })

  expect(post.manifest.request).toBe(`${provider.url}/Patient/$export`)
})
