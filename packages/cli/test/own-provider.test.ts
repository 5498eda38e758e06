import { runExport, type Clock, type ExportOptions, type ExportReport } from '@flatfhir/client'
import { createDataProvider, DirectoryOutputFileStore, ExportJobs } from '@flatfhir/server'
import { SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import type { Edition } from '@flatfhir/protocol'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

/*
 * Our client against our provider, over HTTP: what one of them says, the other understands.
 */

/** A clock whose waits are short, so that polite clients are quick. */
const QUICK_CLOCK: Clock = {
  now: () => new Date(),
  wait: async (ms, signal) => delay(Math.min(ms, 15), undefined, { ...(signal && { signal }) }),
}

type Json = Readonly<Record<string, unknown>>

const EDITIONS: readonly Edition[] = ['stu1', 'stu2', 'stu3', 'stu4']
const SPOKEN = ['auto', 'stu3', 'stu4'] as const
const NOTE = Buffer.from('a note').toString('base64')
let directory: string
let resources: SqliteResourceStore
const closing: AsyncDisposable[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'own-provider-'))
  resources = await SqliteResourceStore.open({ directory })
  const written = await resources.write(
    population().map((resource) => ({
      ...{ kind: 'update', type: resource['resourceType'], id: resource['id'] },
      body: Buffer.from(JSON.stringify(resource)),
    })) as Parameters<SqliteResourceStore['write']>[0],
  )
  expect(written.every(({ state }) => state === 'created')).toBe(true)
})

afterAll(async () => {
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]()
  await resources[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

function population(): readonly Json[] {
  const patients = Array.from({ length: 12 }, (_, index) => `p${index}`)
  return [
    ...patients.map((id, index) => ({
      ...{ resourceType: 'Patient', id, gender: index % 2 === 0 ? 'female' : 'male' },
    })),
    ...patients.flatMap((id) =>
      Array.from({ length: 10 }, (_, index) => ({
        ...{ resourceType: 'Observation', id: `${id}-${index}`, status: 'final' },
        code: { text: 'x' },
        subject: { reference: `Patient/${id}` },
      })),
    ),
    {
      ...{ resourceType: 'Binary', id: 'note', contentType: 'text/plain', data: NOTE },
      securityContext: { reference: 'Patient/p0' },
    },
    {
      ...{ resourceType: 'DocumentReference', id: 'doc', status: 'current' },
      subject: { reference: 'Patient/p0' },
      content: [{ attachment: { contentType: 'text/plain', url: 'Binary/note' } }],
    },
    {
      ...{ resourceType: 'Provenance', id: 'new', recorded: '2026-02-01T00:00:00Z' },
      target: [{ reference: 'Observation/p0-0' }],
      agent: [{ who: { display: 'x' } }],
    },
    {
      ...{ resourceType: 'Group', id: 'two', type: 'person', actual: true },
      member: ['p0', 'p1'].map((id) => ({ entity: { reference: `Patient/${id}` } })),
    },
  ]
}

/** URLs of providers, by edition and size of files. */
const urls = new Map<string, string>()

/** A provider whose `$export` speaks an edition; all of them have the same resources. */
async function providerUrl(exportEdition: Edition, maxFileBytes = 1_000_000): Promise<string> {
  const name = `${exportEdition}-${maxFileBytes}`
  const known = urls.get(name)
  if (known !== undefined) return known
  const jobStore = await SqliteJobStore.open({ path: join(directory, `${name}.sqlite`) })
  const files = new DirectoryOutputFileStore(join(directory, `files-${name}`))
  const jobs = await ExportJobs.start({
    ...{ resources, jobs: jobStore, files, workers: 1, maxFileBytes, minimumInProgressMs: 0 },
  })
  const provider = await createDataProvider({ resources, jobs, exportEdition })
  const { url } = await provider.listen({ host: '127.0.0.1', port: 0 })
  closing.push(jobStore, jobs, provider)
  urls.set(name, url)
  return url
}

async function run(
  url: string,
  options: Partial<ExportOptions>,
): Promise<{ readonly report: ExportReport; readonly directory: string }> {
  const target = await mkdtemp(join(directory, 'run-'))
  onTestFinished(async () => rm(target, { recursive: true, force: true }))
  const report = await runExport({
    ...{ url, level: 'patient', directory: target, clock: QUICK_CLOCK },
    ...options,
  })
  return { report, directory: target }
}

async function namesOf({
  report,
  directory: target,
}: Awaited<ReturnType<typeof run>>): Promise<readonly string[]> {
  const names: string[] = []
  for (const { kind, path } of report.files) {
    if (kind !== 'output') continue
    const text = await readFile(join(target, path), 'utf8')
    for (const line of text.split('\n').slice(0, -1)) {
      const { resourceType, id } = JSON.parse(line) as Json
      if (resourceType !== 'Parameters') names.push(`${String(resourceType)}/${String(id)}`)
    }
  }
  return names.sort()
}

const count = (names: readonly string[], type: string): number =>
  names.filter((name) => name.startsWith(`${type}/`)).length

describe.each(EDITIONS)('where $export speaks %s', (exportEdition) => {
  // An older edition's GET is what a provider of STU4 alone has to refuse.
  const spoken = SPOKEN.filter((edition) => exportEdition !== 'stu4' || edition !== 'stu3')
  test.each(spoken)('a client set to %s exports all', async (edition) => {
    const url = await providerUrl(exportEdition)

    const finished = await run(url, { edition })

    const names = await namesOf(finished)
    expect(finished.report.verdict).toBe('complete')
    expect(finished.report.problems).toEqual([])
    expect([count(names, 'Patient'), count(names, 'Observation')]).toEqual([12, 120])
  })
})

describe.each(['stu3', 'stu4'] as const)('the parameters of the client, in %s', (edition) => {
  const narrowed = async (options: Partial<ExportOptions>): Promise<readonly string[]> => {
    const finished = await run(await providerUrl('stu3'), { edition, ...options })
    expect(finished.report.problems).toEqual([])
    expect(finished.report.verdict).toBe('complete')
    return await namesOf(finished)
  }

  test('types, typeFilters and elements', async () => {
    const types = ['Patient', 'Observation']
    const typeFilters = [
      'Patient?gender=female',
      'Observation?_id=p1-0,p1-1',
      'Observation?_id=p2-2',
    ]
    const names = await narrowed({
      parameters: { types, typeFilters, elements: ['Patient.gender'] },
    })

    expect(names.filter((name) => !name.startsWith('Patient/'))).toEqual([
      ...['Observation/p1-0', 'Observation/p1-1', 'Observation/p2-2'],
    ])
    expect(count(names, 'Patient')).toBe(6)
  })

  test('patients, of a Group', async () => {
    const names = await narrowed({
      ...{ level: 'group', groupId: 'two', parameters: { patients: ['p1'] } },
    })

    expect([count(names, 'Patient'), count(names, 'Observation')]).toEqual([1, 10])
  })

  test('since, until and includeAssociatedData', async () => {
    const since = new Date('2020-01-01T00:00:00Z')
    const until = new Date('2999-01-01T00:00:00Z')
    const includeAssociatedData = ['LatestProvenanceResources']
    const names = await narrowed({
      ...{ parameters: { since, until, includeAssociatedData, types: ['Observation'] } },
    })

    expect(names).toContain('Provenance/new')
    expect(count(names, 'Observation')).toBe(120)
  })

  test('organizeOutputBy, with blocks over several files', async () => {
    const url = await providerUrl('stu3', 1500)
    const finished = await run(url, { edition, parameters: { organizeOutputBy: 'Patient' } })

    expect(finished.report.problems).toEqual([])
    expect(finished.report.verdict).toBe('complete')
    expect(finished.report.files.length).toBeGreaterThan(12)
    expect(count(await namesOf(finished), 'Observation')).toBe(120)
  })

  test('allowPartialManifests: pages are walked, every file is fetched once', async () => {
    const url = await providerUrl('stu3', 3000)
    const parameters = { allowPartialManifests: true }
    const finished = await run(url, { edition, parameters, separateExportStatus: true })

    expect(finished.report.problems).toEqual([])
    expect(finished.report.files.length).toBeGreaterThan(8)
    const names = await namesOf(finished)
    expect([names.length, new Set(names).size]).toEqual([names.length, names.length])
    expect(count(names, 'Observation')).toBe(120)
  })

  test('attachments are fetched from where the export says', async () => {
    const { report, directory: target } = await run(await providerUrl('stu3'), {
      ...{ edition, attachments: { mode: 'files' } },
      parameters: { types: ['DocumentReference'] },
    })

    expect(report.problems).toEqual([])
    expect(report.receipt.attachments).toMatchObject({ fetched: 1, failed: 0 })
    const index = await readFile(join(target, 'attachments', 'index.ndjson'), 'utf8')
    const { path = '' } = JSON.parse(index.split('\n')[0] ?? '') as { readonly path?: string }
    expect(await readFile(join(target, path), 'utf8')).toBe('a note')
  })

  test('lenient: what is ignored is told in the receipt', async () => {
    const vendor = [{ name: '_nonsense', value: '1' }]
    const { report } = await run(await providerUrl('stu3'), {
      ...{ edition, lenient: true, parameters: { vendor } },
    })

    expect(report.verdict).toBe('complete')
    expect(report.outcomes).toMatchObject([{ severity: 'warning', count: 1 }])
  })
})

test('the file sizes of STU4', async () => {
  const vendor = [
    { name: '_minimumFileSize', value: '100' },
    { name: '_maximumFileSize', value: '4096' },
  ]
  const { report } = await run(await providerUrl('stu3'), {
    ...{ edition: 'stu4', parameters: { vendor } },
  })

  expect(report.verdict).toBe('complete')
  for (const { received } of report.files) expect(received.bytes).toBeLessThanOrEqual(4096)
})
