import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  exportAll,
  fill,
  kickOff,
  linesOf,
  nameOf,
  type Json,
  type ReadExport,
} from './parameters-provider.ts'
import { startTestProvider, type TestProvider } from './test-provider.ts'

const PATIENTS = ['ann', 'bob', 'cyd']
const EACH = 24
let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  await fill(provider, [
    ...PATIENTS.flatMap((id) => [
      { resourceType: 'Patient', id, gender: 'other' },
      ...Array.from({ length: EACH }, (_, index) => observation(`${id}-${index}`, id)),
    ]),
    { resourceType: 'Observation', id: 'nobodys', status: 'final', code: { text: 'x' } },
    { resourceType: 'Practitioner', id: 'doc' },
    provenance('old', 'Observation/ann-0', '2026-01-01T00:00:00Z'),
    provenance('new', 'Observation/ann-0', '2026-02-01T00:00:00Z'),
    provenance('of-doc', 'Practitioner/doc', '2026-01-01T00:00:00Z'),
    {
      ...{ resourceType: 'Group', id: 'two', type: 'person', actual: true },
      member: ['ann', 'bob'].map((id) => ({ entity: { reference: `Patient/${id}` } })),
    },
  ])
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function observation(id: string, patient: string): Json {
  return {
    ...{ resourceType: 'Observation', id, status: 'final', code: { text: id } },
    subject: { reference: `Patient/${patient}` },
    performer: [{ reference: 'Practitioner/doc' }],
  }
}

function provenance(id: string, target: string, recorded: string): Json {
  const agent = [{ who: { display: 'x' } }]
  return { resourceType: 'Provenance', id, target: [{ reference: target }], recorded, agent }
}

function ofType({ names }: ReadExport, type: string): readonly string[] {
  return names
    .filter((name) => name.startsWith(`${type}/`))
    .map((name) => name.slice(type.length + 1))
}

describe('includeAssociatedData', () => {
  const provenances = async (path: string): Promise<readonly string[]> =>
    ofType(await exportAll(provider, { path }), 'Provenance')
  const LATEST = 'includeAssociatedData=LatestProvenanceResources'
  const RELEVANT = 'includeAssociatedData=RelevantProvenanceResources'

  test('left out, Provenance of the compartment comes unless _type says otherwise', async () => {
    expect(await provenances('/Patient/$export')).toEqual(expect.arrayContaining(['new', 'old']))
    expect(await provenances('/Patient/$export?_type=Observation')).toEqual([])
    expect(await provenances('/$export')).toEqual(['new', 'of-doc', 'old'])
    expect(await provenances('/$export?_type=Patient')).toEqual([])
  })

  test('says which, also where _type does not have Provenance', async () => {
    expect(await provenances(`/Patient/$export?_type=Observation&${LATEST}`)).toEqual(['new'])
    expect(await provenances(`/Patient/$export?_type=Observation&${RELEVANT}`)).toEqual([
      ...['new', 'old'],
    ])
    expect(await provenances(`/Group/two/$export?${LATEST}&${RELEVANT}`)).toEqual(
      expect.arrayContaining(['new', 'old']),
    )
  })

  test('with another value, or with blocks of patients, is refused', async () => {
    for (const query of ['includeAssociatedData=x', `organizeOutputBy=Patient&${LATEST}`]) {
      const answer = await kickOff(provider, { path: `/Patient/$export?${query}` })
      expect([query, answer.status]).toEqual([query, 400])
    }
  })
})

/** The patients of a file's blocks, in order, and the names of what is in each. */
function blocksOf(text: string): readonly (readonly [id: string, names: readonly string[]])[] {
  const blocks: [string, string[]][] = []
  for (const line of linesOf(text)) {
    if (line['resourceType'] === 'Parameters') {
      const [header] = line['parameter'] as readonly Json[]
      expect(header).toMatchObject({ name: 'header' })
      const { reference } = header?.['valueReference'] as { readonly reference: string }
      blocks.push([reference.replace('Patient/', ''), []])
    } else blocks.at(-1)?.[1].push(nameOf(line))
  }
  return blocks
}

describe('organizeOutputBy=Patient', () => {
  test.each(['/Patient/$export', '/Group/two/$export', '/$export'])(
    'makes whole blocks of %s, each after its header',
    async (path) => {
      const { manifest, files } = await exportAll(provider, {
        path: `${path}?organizeOutputBy=Patient`,
      })

      expect(manifest['outputOrganizedBy']).toBe('Patient')
      for (const entry of manifest.output) {
        expect(entry).not.toHaveProperty('type')
        expect(entry).not.toHaveProperty('continuesInFile')
      }
      const blocks = files.flatMap(blocksOf)
      const members = path.includes('Group') ? ['ann', 'bob'] : PATIENTS
      expect(blocks.map(([id]) => id).sort()).toEqual(members)
      for (const [id, names] of blocks) {
        expect(names[0]).toBe(`Patient/${id}`)
        const observations = names.filter((name) => name.startsWith('Observation/'))
        expect(observations.sort()).toEqual(
          Array.from({ length: EACH }, (_, index) => `Observation/${id}-${index}`).sort(),
        )
        expect(names).toContain('Practitioner/doc')
      }
      const counts = manifest.output.map(({ count }) => count)
      expect(counts).toEqual(files.map((text) => linesOf(text).length))
    },
  )

  test('filters and elements hold within blocks, and blocks of nothing are not there', async () => {
    const filter = encodeURIComponent('Observation?_id=ann-1,bob-1')
    const path = `/Patient/$export?organizeOutputBy=Patient&_type=Observation&_typeFilter=${filter}`

    const { files, lines } = await exportAll(provider, { path: `${path}&_elements=subject` })

    expect([...files.flatMap(blocksOf)].sort()).toEqual([
      ['ann', ['Observation/ann-1']],
      ['bob', ['Observation/bob-1']],
    ])
    for (const line of lines.filter(({ resourceType }) => resourceType === 'Observation')) {
      expect(line).not.toHaveProperty('performer')
      expect(line).toMatchObject({ meta: { tag: [{ code: 'SUBSETTED' }] } })
    }
  })

  test('a block too large for a file goes on in the one that is named', async () => {
    const size = { name: '_maximumFileSize', valuePositiveInt: 4096 }
    const body = [{ name: 'organizeOutputBy', valueString: 'Patient' }, size]
    const { manifest, files } = await exportAll(provider, { path: '/Patient/$export-v4', body })

    const urls = manifest.output.map(({ url }) => url)
    let continued = 0
    manifest.output.forEach(({ continuesInFile, fileSize = 0 }, index) => {
      expect(fileSize).toBeLessThanOrEqual(4096)
      expect(Buffer.byteLength(files[index] ?? '')).toBe(fileSize)
      if (continuesInFile === undefined) return
      continued += 1
      const next = files[urls.indexOf(continuesInFile)] ?? ''
      expect(blocksOf(next)[0]?.[0]).toBe(blocksOf(files[index] ?? '').at(-1)?.[0])
    })
    expect(continued).toBeGreaterThan(0)
  })

  test('by another type is refused', async () => {
    const path = '/Patient/$export?organizeOutputBy=Encounter'

    expect((await kickOff(provider, { path })).status).toBe(400)
  })
})

describe('file sizes', () => {
  const sized = (sizes: Readonly<Record<string, number>>): readonly Json[] =>
    Object.entries(sizes).map(([name, valuePositiveInt]) => ({ name, valuePositiveInt }))

  test('_maximumFileSize is never exceeded, and what cannot fit is reported', async () => {
    const big = { ...observation('big', 'ann'), note: [{ text: 'x'.repeat(6000) }] }
    await using small = await startTestProvider()
    await fill(small, [
      ...Array.from({ length: 40 }, (_, index) => observation(`o${index}`, 'ann')),
      big,
    ])

    const { manifest, names, outcomes } = await exportAll(small, {
      ...{ path: '/$export-v4', body: sized({ _maximumFileSize: 4096 }) },
    })

    expect(names).toHaveLength(40)
    expect(manifest.output.length).toBeGreaterThan(1)
    for (const { fileSize = 0 } of [...manifest.output, ...(manifest.outcome ?? [])]) {
      expect(fileSize).toBeGreaterThan(0)
      expect(fileSize).toBeLessThanOrEqual(4096)
    }
    expect(outcomes).toEqual([expect.stringContaining('larger than _maximumFileSize')])
  })

  test('_minimumFileSize makes one file where the server would make several', async () => {
    await using cutting = await startTestProvider({ jobs: { partitionBytes: 2000 } })
    // As many as need several partitions by the store's own sums.
    await fill(
      cutting,
      Array.from({ length: 60 }, (_, index) => observation(`o${index}`, 'ann')),
    )
    const export1 = await exportAll(cutting, { path: '/$export-v4', body: [] })
    const export2 = await exportAll(cutting, {
      ...{ path: '/$export-v4', body: sized({ _minimumFileSize: 1_000_000 }) },
    })

    expect(export2.manifest.output).toHaveLength(1)
    expect(export2.names).toEqual(export1.names)
  })

  test.each([
    ['of text', [{ name: '_maximumFileSize', valueString: '5000' }]],
    ['that is not positive', [{ name: '_maximumFileSize', valuePositiveInt: 0 }]],
    ['that fits no OperationOutcome', [{ name: '_maximumFileSize', valuePositiveInt: 100 }]],
    ['below the minimum', sized({ _minimumFileSize: 9000, _maximumFileSize: 8000 })],
  ])('%s are refused', async (_, body) => {
    expect((await kickOff(provider, { path: '/$export-v4', body })).status).toBe(400)
  })
})

describe('_until', () => {
  test('leaves out what changed later, and is no part of the window itself', async () => {
    const { manifest } = await exportAll(provider, { path: '/$export?_type=Patient' })
    const at = encodeURIComponent(manifest.transactionTime)

    const before = await exportAll(provider, { path: `/$export?_type=Patient&_until=${at}` })
    const never = await exportAll(provider, {
      path: '/$export?_type=Patient&_until=2000-01-01T00:00:00Z',
    })
    const inverted = await kickOff(provider, {
      path: '/$export?_since=2020-01-01T00:00:00Z&_until=2010-01-01T00:00:00Z',
    })

    expect(before.names).toEqual(['Patient/ann', 'Patient/bob', 'Patient/cyd'])
    expect(never.names).toEqual([])
    expect(inverted.status).toBe(400)
  })
})
