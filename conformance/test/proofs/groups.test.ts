import { stu3, stu4 } from '@flatfhir/conformance'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  eventually,
  idsOf,
  startOpenProvider,
  type ConformanceProvider,
  type Json,
} from '../fixtures.ts'
import { verifies } from '../verifies.ts'

const MEMBER_FILTER = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter'

let provider: ConformanceProvider

beforeAll(async () => {
  provider = await startOpenProvider()
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

interface Statement {
  readonly rest: readonly [
    {
      readonly operation: readonly { readonly name: string; readonly definition: string }[]
      readonly resource: readonly {
        readonly type: string
        readonly extension?: readonly { readonly url: string }[]
        readonly supportedProfile?: readonly string[]
        readonly operation?: readonly { readonly name: string; readonly definition: string }[]
      }[]
    },
  ]
}

async function metadata(): Promise<Statement> {
  return (await (await provider.ask('/metadata')).json()) as Statement
}

verifies(stu4('capabilities'), async () => {
  const [{ operation, resource }] = (await metadata()).rest
  const ofType = (type: string): readonly { readonly name: string }[] =>
    resource.find((each) => each.type === type)?.operation ?? []

  for (const operations of [operation, ofType('Patient'), ofType('Group')]) {
    const names = operations.map(({ name }) => name)
    expect(names.some((name) => name.endsWith('export'))).toBe(true)
    expect(names.some((name) => name.endsWith('export-v4'))).toBe(true)
  }
  for (const { definition } of operation) expect(definition).toMatch(/^http/)
})

verifies(stu3('operation-not-supported'), async () => {
  const [{ resource }] = (await metadata()).rest

  const marked = resource.filter(({ extension = [] }) =>
    extension.some(({ url }) => url.endsWith('/operation-not-supported')),
  )
  expect(marked.map(({ type }) => type)).toContain('StructureDefinition')
  expect(marked.map(({ type }) => type)).not.toContain('Observation')
})

verifies(stu4('group-profile'), async () => {
  const [{ resource }] = (await metadata()).rest

  const { supportedProfile = [] } = resource.find(({ type }) => type === 'Group') ?? {}
  expect(supportedProfile.join()).toMatch(/bulk-cohort/)
})

function cohort(...filters: readonly string[]): Json {
  return {
    ...{ resourceType: 'Group', type: 'person', actual: true, name: 'Cohort' },
    modifierExtension: filters.map((expression) => ({
      url: MEMBER_FILTER,
      valueExpression: { language: 'application/x-fhir-query', expression },
    })),
  }
}

/** Sends a Group with `Prefer: respond-async` and waits; the id that it has afterwards. */
async function sent(method: 'POST' | 'PUT', path: string, resource: Json): Promise<void> {
  const headers = { 'content-type': 'application/fhir+json', prefer: 'respond-async' }
  const answer = await provider.ask(path, { method, headers, body: JSON.stringify(resource) })
  expect(answer.status).toBe(202)
  const statusUrl = answer.headers.get('content-location') ?? ''
  expect(statusUrl).toMatch(/^http/)
  await eventually(async () => {
    const status = await provider.ask(statusUrl)
    expect(status.status).toBeLessThan(300)
    return status.status === 202 ? undefined : true
  })
}

async function cohortId(): Promise<string> {
  const found = (await (await provider.ask('/Group?name=Cohort')).json()) as {
    readonly entry?: readonly { readonly resource: { readonly id: string } }[]
  }
  return found.entry?.[0]?.resource.id ?? ''
}

verifies([stu4('group-create-async'), stu4('group-update-async')], async () => {
  await sent('POST', '/Group', cohort('Patient?gender=female'))
  const id = await cohortId()
  const before = await provider.exported(`/Group/${id}/$export?_type=Patient`)

  await sent('PUT', `/Group/${id}`, { ...cohort('Patient?gender=male'), id })
  const after = await provider.exported(`/Group/${id}/$export?_type=Patient`)

  expect(idsOf(await before.resources())).toEqual(['ann', 'cyd'])
  expect(idsOf(await after.resources())).toEqual(['bob'])
})

/** Ids of the patients whom a Group's export holds. */
async function membersOf(group: Json): Promise<readonly string[]> {
  await provider.put({ ...group, id: 'filtered' })
  const { resources } = await provider.exported('/Group/filtered/$export?_type=Patient')
  return idsOf(await resources())
}

verifies([stu4('member-filter'), stu4('member-filter-and')], async () => {
  expect(await membersOf(cohort('Patient?gender=female'))).toEqual(['ann', 'cyd'])
  expect(await membersOf(cohort('Patient?gender=female', 'Patient?_id=cyd'))).toEqual(['cyd'])
})

verifies(stu4('member-filter-compartment'), async () => {
  expect(await membersOf(cohort('Observation?_id=bob-1'))).toEqual(['bob'])
})

verifies(stu4('member-filter-members'), async () => {
  const member = [
    { entity: { reference: 'Patient/bob' } },
    { entity: { reference: 'Patient/cyd' } },
  ]
  const nested = [{ entity: { reference: 'Group/two' } }]

  expect(await membersOf({ ...cohort('Patient?gender=female'), member })).toEqual(['cyd'])
  const inner = { ...cohort('Patient?gender=female'), member: nested }
  expect(await membersOf(inner)).toEqual(['ann'])
})

verifies(stu4('member-filter-refused'), async () => {
  for (const filter of ['Patient?nonsense=1', 'Patient?_sort=birthdate', '?gender=male']) {
    const answer = await provider.ask('/Group/refused', {
      method: 'PUT',
      headers: { 'content-type': 'application/fhir+json' },
      body: JSON.stringify({ ...cohort(filter), id: 'refused' }),
    })
    expect([400, 422]).toContain(answer.status)
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  }
})
