import { expect, test } from 'vitest'
import { ModelBench, PLANS } from './model-bench.ts'
import type { Fhir } from './source-model.ts'

const OVERLAP_MS = 1000
const [SYSTEM, PATIENT, GROUPS] = PLANS
if (SYSTEM === undefined || PATIENT === undefined || GROUPS === undefined) {
  throw new Error('There are three connections')
}

function group(id: string, members: readonly string[]): Fhir {
  const member = members.map((who) => ({ entity: { reference: `Patient/${who}` } }))
  return { resourceType: 'Group', id, type: 'person', actual: true, member }
}

function observation(id: string, patient: string): Fhir {
  const subject = { reference: `Patient/${patient}` }
  return { resourceType: 'Observation', id, status: 'final', subject }
}

/** Data that are older than the overlap when the Groups come about. */
async function withOldData(): Promise<ModelBench> {
  const bench = await ModelBench.start({ overlapMs: OVERLAP_MS })
  for (const id of ['p0', 'p1', 'p2', 'p3']) {
    await bench.source.put({ resourceType: 'Patient', id }, observation(`b${id}`, id))
  }
  const oldAt = Date.now() + OVERLAP_MS
  while (Date.now() <= oldAt) await new Promise((resolve) => setTimeout(resolve, 20))
  await bench.source.put(group('g0', ['p0', 'p1', 'p2']), group('g1', ['p3']))
  return bench
}

test('the history of whoever joined within the overlap is no sign of an ignored _since', async () => {
  await using bench = await withOldData()
  await bench.sync(GROUPS)
  await bench.sync(GROUPS)

  await bench.source.put(group('g0', ['p0', 'p1', 'p2', 'p3']))
  await bench.sync(GROUPS)
  const { cohorts } = await bench.sync(GROUPS)

  expect(cohorts.map(({ reports }) => reports.map(({ kind }) => kind))).toEqual([
    ['incremental'],
    ['incremental'],
  ])
})

test('a full run that was interrupted brings back no version that another cohort has left behind', async () => {
  await using bench = await ModelBench.start({ overlapMs: 0 })
  const { source } = bench
  await source.put({ resourceType: 'Patient', id: 'p0' }, observation('b0', 'p0'))
  await source.put({ resourceType: 'Patient', id: 'p1' }, observation('b1', 'p1'))
  await bench.abortAt(PATIENT, 'landing-begun')
  await source.put({ ...observation('b0', 'p0'), status: 'amended' })
  await source.delete('Patient/p0')

  await bench.sync(SYSTEM)
  await bench.sync(PATIENT)

  await bench.sync(SYSTEM)
})
