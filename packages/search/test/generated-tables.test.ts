import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generator } from './generator.ts'

const GENERATED = new URL('../src/generated/', import.meta.url)

test('the committed tables are what the script makes of the definitions', async () => {
  const script = await generator()
  const tables = await script.renderSearchTables(await script.readSearchDefinitions())

  expect(Object.keys(tables)).toEqual(['search-parameters.ts'])
  for (const [name, text] of Object.entries(tables)) {
    // Not `toBe`: a difference in 12,000 lines takes minutes to print.
    const isSame = (await readFile(new URL(name, GENERATED), 'utf8')) === text
    expect(isSame, 'run npm run generate').toBe(true)
  }
})
