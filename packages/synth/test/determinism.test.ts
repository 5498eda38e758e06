import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { generatePopulation, type PopulationOptions } from '../src/index.ts'

/** Changes only when the population is meant to change: whoever relies on a seed sees it too. */
const GOLDEN = 'b973aa95e1545b27c6d95d988aff2f3925b544162a0d08a888e69a55251aad59'

test('a seed makes the same bytes on every machine', () => {
  expect(digest({ patients: 12, seed: 'golden', today: '2025-12-31' })).toBe(GOLDEN)
})

test('the defaults are fixed: neither clock nor environment has a part', () => {
  expect(digest({ patients: 3 })).toBe(
    digest({ patients: 3, seed: 'flatfhir', today: '2025-12-31' }),
  )
})

test('a number and its decimal text are the same seed; other seeds are other populations', () => {
  expect(digest({ patients: 3, seed: 7 })).toBe(digest({ patients: 3, seed: '7' }))
  const digests = [7, 8, -7, '', ' 7', 'golden'].map((seed) => digest({ patients: 3, seed }))
  expect(new Set(digests).size).toBe(6)
})

test('a larger population begins with the patients of a smaller one', () => {
  const small = patientLines({ patients: 20, seed: 'prefix' })
  const large = patientLines({ patients: 1700, seed: 'prefix' })

  expect(large.slice(0, small.length)).toEqual(small)
})

function digest(options: PopulationOptions): string {
  const hash = createHash('sha256')
  for (const { type, line } of generatePopulation(options)) hash.update(`${type} ${line}\n`)
  return hash.digest('hex')
}

/** The lines from the first Patient on, up to what 20 patients have. */
function patientLines(options: PopulationOptions): readonly string[] {
  const lines: string[] = []
  for (const { type, line } of generatePopulation(options)) {
    if (type === 'Group') break
    if (type === 'Patient' || lines.length > 0) lines.push(line)
    if (lines.length === 8000) break
  }
  return lines
}
