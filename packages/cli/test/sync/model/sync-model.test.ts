import fc from 'fast-check'
import { test } from 'vitest'
import { ModelBench, PLANS } from './model-bench.ts'
import { needGroups, playStep, step } from './history.ts'

const RUNS = Number(process.env['FLATFHIR_SOAK_RUNS'] ?? 1)
const IS_SOAK = process.env['FLATFHIR_SOAK_RUNS'] !== undefined
/** Without a soak, the same histories every time, and shorter ones. */
const SEED = IS_SOAK ? {} : { seed: 20_261_123 }
const MOST_STEPS = IS_SOAK ? 60 : 25

const history = fc.record({
  overlapMs: fc.constantFrom(0, 3_600_000),
  steps: fc.array(step, { minLength: 15, maxLength: MOST_STEPS, size: 'max' }),
})

test('whatever happens to a source and to syncs, the warehouse is the source as of the last complete one', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ overlapMs, steps }) => {
      await using bench = await ModelBench.start({ overlapMs })
      await needGroups(bench)
      for (const each of steps) await playStep(bench, each)
      for (const plan of PLANS) await bench.reconcile(plan)
    }),
    { numRuns: RUNS, endOnFailure: true, ...SEED },
  )
}, 600_000)
