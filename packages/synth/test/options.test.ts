import { expect, test } from 'vitest'
import { generatePopulation, type PopulationOptions } from '../src/index.ts'

test.each<[string, PopulationOptions]>([
  ['patients', { patients: 0 }],
  ['patients', { patients: -1 }],
  ['patients', { patients: 1.5 }],
  ['patients', { patients: NaN }],
  ['patients', { patients: 10_000_001 }],
  ['seed', { patients: 1, seed: Infinity }],
  ['today', { patients: 1, today: '2021-02-29' }],
  ['today', { patients: 1, today: '1999-12-31' }],
  ['today', { patients: 1, today: '2100-01-01' }],
  ['today', { patients: 1, today: '2021-2-3' }],
  ['today', { patients: 1, today: '2021-02-03T00:00:00Z' }],
])('names the option %s that is out of its range: %o', (option, options) => {
  const error = errorOf(() => generatePopulation(options))

  expect(error).toMatchObject({ code: 'POPULATION_OPTION_INVALID', option })
})

function errorOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
