import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  exportAll,
  fill,
  kickOff,
  nameOf,
  query,
  refusalOf,
  type Json,
  type ReadExport,
} from './parameters-provider.ts'
import { startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  await fill(provider, [
    { resourceType: 'Patient', id: 'ann', gender: 'female', name: [{ family: 'Müller' }] },
    { resourceType: 'Patient', id: 'bob', gender: 'male', name: [{ family: 'Jones' }] },
    observation('ann-lab', 'laboratory', '2026-01-01T12:00:00+02:00'),
    observation('ann-vital', 'vital-signs', '2026-01-02'),
    observation('bob-lab', 'laboratory', '2026-01-03'),
    observation('bob-survey', 'survey', '2026-01-04'),
    { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Jones' }] },
    { resourceType: 'Organization', id: 'clinic', name: 'Clinic' },
    {
      ...{ resourceType: 'Group', id: 'both', type: 'person', actual: true },
      member: ['ann', 'bob'].map((id) => ({ entity: { reference: `Patient/${id}` } })),
    },
  ])
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

/** The first part of its id is the patient's. */
function observation(id: string, category: string, at: string): Json {
  return {
    resourceType: 'Observation',
    id,
    meta: { tag: [{ code: 'kept' }] },
    status: 'final',
    category: [{ coding: [{ code: category }] }],
    code: { text: 'x' },
    subject: { reference: `Patient/${id.split('-')[0] ?? ''}` },
    performer: [{ reference: 'Practitioner/doc' }],
    effectiveDateTime: at,
    valueQuantity: { value: 1.5 },
  }
}

async function filtered(
  filters: readonly string[],
  { path = '/Patient/$export', prefer = '' } = {},
): Promise<ReadExport> {
  const pairs = filters.map((filter) => ['_typeFilter', filter] as const)
  return await exportAll(provider, {
    path: `${path}?${query(pairs)}`,
    ...(prefer !== '' && { prefer }),
  })
}

function ofType({ names }: ReadExport, type: string): readonly string[] {
  return names
    .filter((name) => name.startsWith(`${type}/`))
    .map((name) => name.slice(type.length + 1))
}

async function refused(path: string, prefer?: string): Promise<string> {
  const answer = await kickOff(provider, { path, ...(prefer !== undefined && { prefer }) })
  expect(answer.status).toBe(400)
  return refusalOf(answer)
}

describe('_typeFilter', () => {
  test('filters its type and leaves all others alone', async () => {
    const all = await filtered(['Observation?category=laboratory'])

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'bob-lab'])
    expect(ofType(all, 'Patient')).toEqual(['ann', 'bob'])
    expect(ofType(all, 'Practitioner')).toEqual(['doc'])
    const { output } = all.manifest
    expect(output.find(({ type }) => type === 'Observation')?.count).toBe(2)
  })

  test('several for one type are alternatives, criteria of one are all to be met', async () => {
    const all = await filtered([
      'Observation?category=laboratory&subject=Patient/ann',
      'Observation?category=survey,vital-signs&subject=Patient/bob',
    ])

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'bob-survey'])
  })

  test('several joined by commas are read as in STU2', async () => {
    const all = await filtered(['Observation?_id=ann-lab,Observation?_id=bob-lab,bob-survey'])

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'bob-lab', 'bob-survey'])
  })

  test('follows a chained parameter as of the transaction time, accents and case aside', async () => {
    const all = await filtered(['Observation?subject:Patient.name=muller'])
    const untyped = await filtered(['Observation?subject.name=JONES'])

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'ann-vital'])
    expect(ofType(untyped, 'Observation')).toEqual(['bob-lab', 'bob-survey'])
  })

  test.each(['+', '%2B', '%252B'])('takes %s before a time zone for a plus sign', async (plus) => {
    const filter = `Observation?date=eq2026-01-01T12:00:00${plus}02:00`
    const all = await exportAll(provider, {
      path: `/Patient/$export?_typeFilter=${filter.replaceAll('=', '%3D').replace('?', '%3F')}`,
    })

    expect(ofType(all, 'Observation')).toEqual(['ann-lab'])
  })

  test('of supporting resources, of types outside the level and outside _type', async () => {
    const outside = await filtered(['Practitioner?name=nobody', 'ValueSet?url=http://x'])
    const path = '/Patient/$export?_type=Patient'
    const untyped = await exportAll(provider, {
      path: `${path}&${query([['_typeFilter', 'Observation?category=laboratory']])}`,
    })

    expect(ofType(outside, 'Practitioner')).toEqual([])
    expect(ofType(outside, 'Patient')).toEqual(['ann', 'bob'])
    expect(untyped.names).toEqual(['Patient/ann', 'Patient/bob'])
  })

  test('that nothing meets leaves no file', async () => {
    const { manifest } = await filtered(['Observation?_id=nothing'], { path: '/$export' })

    expect(manifest.output.map(({ type }) => type)).not.toContain('Observation')
  })

  test('hundreds of them are one export', async () => {
    const ids = Array.from({ length: 400 }, (_, index) => `n${index}`)
    const answer = await exportAll(provider, {
      path: '/Patient/$export',
      body: [...ids, 'bob-lab'].map((id) => ({
        ...{ name: '_typeFilter', valueString: `Observation?_id=${id}` },
      })),
    })

    expect(ofType(answer, 'Observation')).toEqual(['bob-lab'])
  })

  test.each([
    ['Observation?nonsense=1', 'nonsense'],
    ['Observation?_sort=date', '_sort'],
    ['Observation?_include=Observation:subject', '_include'],
    ['Observation?_elements=id', '_elements'],
    ['Observation?_count=1', '_count'],
    ['Observation?code:in=http://x', 'code'],
    ['Patient?_has:Observation:patient:code=1', '_has'],
    ['NoSuchType?x=1', '_typeFilter'],
    ['?_type=Patient&gender=male', '_typeFilter'],
    ['Patient/ann/Observation?code=1', '_typeFilter'],
  ])('%s is refused by name', async (filter, named) => {
    expect(await refused(`/$export?${query([['_typeFilter', filter]])}`)).toContain(named)
  })

  test('that holds what is not supported is met without it where the request is lenient', async () => {
    const prefer = 'handling=lenient'
    const all = await filtered(['Observation?nonsense=1&category=laboratory'], { prefer })

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'bob-lab'])
    expect(all.outcomes).toEqual([expect.stringMatching(/_typeFilter.*nonsense/)])
    const values = await refused('/$export?_typeFilter=Observation%3Fdate%3Dgt1x', prefer)
    expect(values).not.toContain('gt1x')
  })
})

describe('_elements', () => {
  test('keeps what it names and what is mandatory, byte for byte, and tags the rest', async () => {
    const { files } = await exportAll(provider, {
      path: '/Patient/$export?_type=Observation&_elements=valueQuantity',
    })
    const [text = ''] = files

    for (const line of text.split('\n').slice(0, -1)) {
      expect(line).toContain('"valueQuantity":{"value":1.5}')
      expect(line).toContain('"code":{"text":"x"}')
      const resource = JSON.parse(line) as Json
      expect(Object.keys(resource)).toEqual([
        ...['resourceType', 'id', 'meta', 'status', 'code', 'valueQuantity'],
      ])
      const { tag } = resource['meta'] as { readonly tag: readonly { readonly code: string }[] }
      expect(tag.map(({ code }) => code)).toEqual(['kept', 'SUBSETTED'])
    }
  })

  test('with a type hold for that type only; what no entry names is left out of every type', async () => {
    const { lines } = await exportAll(provider, {
      path: '/Patient/$export?_elements=Patient.gender&_elements=Observation.subject,Observation.category',
    })
    const keys = (name: string): readonly string[] =>
      Object.keys(lines.find((line) => nameOf(line) === name) ?? {})

    expect(keys('Patient/ann')).toEqual(['resourceType', 'id', 'meta', 'gender'])
    expect(keys('Observation/ann-lab')).toContain('category')
    expect(keys('Observation/ann-lab')).not.toContain('valueQuantity')
    expect(keys('Practitioner/doc')).toEqual(['resourceType', 'id', 'meta'])
  })

  test('leave out what _typeFilter looks at', async () => {
    const filter = query([['_typeFilter', 'Observation?category=laboratory']])
    const all = await exportAll(provider, { path: `/Patient/$export?_elements=id&${filter}` })

    expect(ofType(all, 'Observation')).toEqual(['ann-lab', 'bob-lab'])
    for (const line of all.lines) expect(line).not.toHaveProperty('category')
  })

  test.each(['Patient.name.given', 'name.given', 'noSuchElement', 'Patient.noSuchElement', ','])(
    '%s is refused',
    async (elements) => {
      expect(await refused(`/$export?${query([['_elements', elements]])}`)).toContain('_elements')
    },
  )
})

describe('handling=lenient', () => {
  test('reports each parameter that is ignored, and does the rest', async () => {
    const path =
      '/$export?whatever=secret&_minimumFileSize=5&patient=Patient/ann&_type=Patient,Nope'
    const { names, outcomes } = await exportAll(provider, { path, prefer: 'handling=lenient' })

    expect(names).toEqual(['Patient/ann', 'Patient/bob'])
    const told = outcomes.join('\n')
    for (const name of ['whatever', '_minimumFileSize', 'patient', '_type']) {
      expect(told).toContain(`Parameter ${name} was ignored`)
    }
    expect(told).not.toContain('secret')
    for (const each of ['whatever=1', '_minimumFileSize=5', 'patient=Patient/ann']) {
      await refused(`/$export?${each}`)
    }
  })
})
