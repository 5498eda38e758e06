import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportAll, fill, kickOff, refusalOf, type Json } from './parameters-provider.ts'
import { startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  await fill(provider, [
    ...['ann', 'bob', 'cyd'].flatMap((id) => [
      { resourceType: 'Patient', id, active: true },
      { resourceType: 'Condition', id: `${id}-1`, subject: { reference: `Patient/${id}` } },
    ]),
    {
      ...{ resourceType: 'Group', id: 'two', type: 'person', actual: true },
      member: ['ann', 'bob'].map((id) => ({ entity: { reference: `Patient/${id}` } })),
    },
  ])
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function patient(id: string): Json {
  return { name: 'patient', valueReference: { reference: `Patient/${id}` } }
}

describe('patient', () => {
  test.each(['/Patient/$export', '/Group/two/$export', '/Group/two/$export-v4'])(
    'leaves only its patients in %s',
    async (path) => {
      const { names } = await exportAll(provider, { path, body: [patient('ann'), patient('ann')] })

      expect(names).toEqual(['Condition/ann-1', 'Patient/ann'])
    },
  )

  test('may be named by the server’s own URL', async () => {
    const reference = { reference: `${provider.url}/Patient/bob` }
    const body = [{ name: 'patient', valueReference: reference }]

    const { names } = await exportAll(provider, { path: '/Patient/$export', body })

    expect(names).toEqual(['Condition/bob-1', 'Patient/bob'])
  })

  test.each([
    ['/Patient/$export', 'nobody'],
    ['/Group/two/$export', 'nobody'],
    ['/Group/two/$export', 'cyd'],
  ])('in %s that the export is not about is refused: %s', async (path, id) => {
    const answer = await kickOff(provider, { path, body: [patient('ann'), patient(id)] })

    expect(answer.status).toBe(400)
    expect(refusalOf(answer)).toContain('1 of the patients')
    expect(answer.body.toString()).not.toContain(id)
  })

  test('that is no member is left out and reported where the request is lenient', async () => {
    const body = [patient('ann'), patient('cyd'), patient('nobody')]
    const prefer = 'handling=lenient'

    const some = await exportAll(provider, { path: '/Group/two/$export', body, prefer })
    const none = await exportAll(provider, {
      ...{ path: '/Group/two/$export', body: [patient('cyd')], prefer },
    })

    expect(some.names).toEqual(['Condition/ann-1', 'Patient/ann'])
    expect(some.outcomes.join()).toContain('Patient/cyd')
    expect(some.outcomes.join()).toContain('Patient/nobody')
    expect(none.names).toEqual([])
  })

  test.each(['/$export', '/$export-v4'])('does not apply to %s', async (path) => {
    expect((await kickOff(provider, { path, body: [patient('ann')] })).status).toBe(400)
  })

  test('is for POST only, and for references to Patients only', async () => {
    const get = await kickOff(provider, { path: '/Patient/$export?patient=Patient/ann' })
    const bodies = ['Group/two', 'https://elsewhere.example.org/fhir/Patient/ann', '#a', 'ann'].map(
      (reference) => [{ name: 'patient', valueReference: { reference } }],
    )

    expect(get.status).toBe(400)
    for (const body of bodies) {
      expect((await kickOff(provider, { path: '/Patient/$export', body })).status).toBe(400)
    }
  })

  test('with a Group and _since holds for all three', async () => {
    const first = await exportAll(provider, { path: '/Group/two/$export' })
    const since = { name: '_since', valueInstant: first.manifest.transactionTime }
    // A write is later than the export as soon as the clock has moved on.
    await delay(2)
    await fill(provider, [
      { resourceType: 'Condition', id: 'ann-2', subject: { reference: 'Patient/ann' } },
      { resourceType: 'Condition', id: 'bob-2', subject: { reference: 'Patient/bob' } },
      { resourceType: 'Condition', id: 'cyd-2', subject: { reference: 'Patient/cyd' } },
    ])
    await provider.request('/Condition/ann-1', { method: 'DELETE' })
    await provider.request('/Condition/bob-1', { method: 'DELETE' })

    const body = [patient('ann'), since]
    const { names, manifest } = await exportAll(provider, { path: '/Group/two/$export', body })

    expect(names).toEqual(['Condition/ann-2'])
    expect(manifest.deleted).toEqual([expect.objectContaining({ type: 'Bundle', count: 1 })])
  })

  test('100,000 of them are one export', async () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => `someone-${index}-of-the-roster`)
    const body = [...ids, 'ann'].map(patient)

    const strict = await kickOff(provider, { path: '/Patient/$export', body })
    const { names, outcomes } = await exportAll(provider, {
      ...{ path: '/Patient/$export', body, prefer: 'handling=lenient' },
    })

    expect(refusalOf(strict)).toContain('100000 of the patients')
    expect(names).toContain('Patient/ann')
    expect(outcomes).toHaveLength(100_000)
  })
})
