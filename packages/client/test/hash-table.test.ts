import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HashTable } from '../src/references/hash-table.ts'

const hash = fc.oneof(
  fc.nat({ max: 3 }),
  fc.maxSafeNat(),
  // Alike in their lower halves.
  fc.nat({ max: 2 ** 20 }).map((upper) => upper * 2 ** 32 + 7),
)

it('holds what a Map holds, however many there are', () => {
  const entries = fc.array(fc.tuple(hash, fc.nat({ max: 255 })), { size: '+3' })
  fc.assert(
    fc.property(entries, fc.array(hash), (added, asked) => {
      // 0 and 1 are one hash.
      const model = new Map(added.map(([key, mark]) => [key || 1, mark]))
      const table = new HashTable(0)
      for (const [key, mark] of added) table.set(key, mark)

      const found = new Map<number, number>()
      table.forEach((key, mark) => found.set(key, mark))
      expect(found).toEqual(model)
      for (const key of asked) expect(table.has(key)).toBe(model.has(key || 1))
    }),
  )
})

it('takes many more than it was made for', () => {
  const table = new HashTable(10)
  for (let key = 1; key <= 100_000; key += 1) table.set(key * 2 ** 33 + 5, key % 256)
  let count = 0
  table.forEach(() => (count += 1))
  expect(count).toBe(100_000)
  expect(table.has(2 ** 33 * 99_999 + 5)).toBe(true)
  expect(table.has(2 ** 33 * 100_001 + 5)).toBe(false)
})
