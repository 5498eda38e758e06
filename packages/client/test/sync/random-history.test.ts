import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SyncBench } from './sync-fixtures.ts'

const PATIENTS = ['p0', 'p1', 'p2', 'p3', 'p4']

const patient = fc.constantFrom(...PATIENTS)
const observation = fc.tuple(patient, fc.nat(2)).map(([id, index]) => `${id}-${index}`)

/** What happens to a source and its copy. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('put' as const), id: observation }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('delete' as const), id: observation }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('join' as const), id: patient }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('leave' as const), id: patient }) },
  { weight: 3, arbitrary: fc.constant({ what: 'sync' as const, id: '' }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('abort' as const), at: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ what: 'hole' as const, id: '' }) },
)

test('whatever happens to the source and to syncs, a complete one makes the copy equal to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      const bench = await SyncBench.start(PATIENTS.length)
      bench.connection = { ...bench.connection, backfillBatchSize: 2 }
      let isUnderWay = false
      for (const each of steps) {
        if (each.what === 'put') bench.source.putObservation(each.id, each.id.slice(0, 2))
        else if (each.what === 'delete') bench.source.delete(`Observation/${each.id}`)
        else if (each.what === 'join' && !isUnderWay) bench.source.groups.get('g')?.add(each.id)
        else if (each.what === 'leave' && !isUnderWay) {
          bench.source.groups.get('g')?.delete(each.id)
        } else if (each.what === 'abort') isUnderWay = await abortedSync(bench, each.at)
        else if (each.what === 'hole') isUnderWay = await syncWithHole(bench)
        else if (each.what === 'sync') {
          await syncToTheEnd(bench)
          isUnderWay = false
          expect(bench.landed()).toEqual(bench.source.content('group/g'))
        }
      }
      await syncToTheEnd(bench)
      expect(bench.landed()).toEqual(bench.source.content('group/g'))
    }),
    { numRuns: Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 3), endOnFailure: true },
  )
}, 120_000)

/** A run that is gone on with lands what was so when it began; the one after it, the rest. */
async function syncToTheEnd(bench: SyncBench): Promise<void> {
  for (let run = 0; run < 2; run += 1) {
    const { result } = await bench.sync({ accept: ['SUSPICIOUS_SHRINK'] })
    expect(result).toBe('committed')
  }
}

/** @returns Whether a run is left unfinished. */
async function abortedSync(bench: SyncBench, place: number): Promise<boolean> {
  const stop = new AbortController()
  let events = 0
  const onEvent = (): void => {
    events += 1
    if (events === place) stop.abort()
  }
  const accept = ['SUSPICIOUS_SHRINK'] as const
  return bench.sync({ signal: stop.signal, onEvent, accept }).then(
    () => false,
    () => true,
  )
}

async function syncWithHole(bench: SyncBench): Promise<boolean> {
  const before = bench.landed()
  bench.source.refuseFile = ({ type }) => (type === 'Observation' ? 404 : undefined)
  const { result } = await bench.sync({ accept: ['SUSPICIOUS_SHRINK'] })
  bench.source.refuseFile = () => undefined
  if (result === 'stopped') expect(bench.landed()).toEqual(before)
  return result === 'stopped'
}
