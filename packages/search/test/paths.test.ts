import { isResourceType, RESOURCE_TYPES } from '@flatfhir/protocol'
import { beforeAll, expect, test } from 'vitest'
import { parseElementPath, someAt, type ValueTest } from '../src/element-path.ts'
import { SEARCH_PARAMETERS } from '../src/generated/search-parameters.ts'
import type { JsonObject } from '../src/json.ts'
import type { SearchParameterRow } from '../src/search-parameter-row.ts'
import { onlyTo } from '../src/values/reference.ts'
import { compiledExpression } from './fhirpath-oracle.ts'
import { generator } from './generator.ts'
import { ResourceMaker } from './random-resource.ts'

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1)

let maker: ResourceMaker

beforeAll(async () => {
  const script = await generator()
  maker = new ResourceMaker(await script.readSearchDefinitions())
})

const rows = Object.entries(SEARCH_PARAMETERS).flatMap(([home, parameters]) =>
  Object.entries(parameters).map(([name, row]) => ({ home, name, row })),
)

test('the paths of every parameter find what its FHIRPath expression finds', () => {
  const paths = rows.filter(({ row }) => row.paths !== undefined)
  const found = new Set<string>()

  for (const { home, name, row } of paths) {
    const expected = compiledExpression(row.expression)
    for (const seed of SEEDS) {
      const resource = randomResource(home, row, seed)
      const values = asSet(collect(row.paths ?? [], resource, resource))

      expect(values, `${home}.${name} of seed ${seed}`).toEqual(asSet(expected(resource)))
      if (values.length > 0) found.add(`${home}.${name}`)
    }
  }

  // The comparison would prove nothing where nothing is found.
  expect(found.size).toBeGreaterThan(paths.length * 0.97)
})

test('the parts of every composite find what their FHIRPath expressions find', () => {
  const composites = rows.filter(({ row }) => row.components !== undefined)
  const found = new Set<string>()

  for (const { home, name, row } of composites) {
    const bases = row.expression.split('|').map((base) => base.trim())
    for (const [index, { expression }] of (row.components ?? []).entries()) {
      for (const [place, base] of (row.bases ?? []).entries()) {
        const expected = compiledExpression(`(${bases[place] ?? ''}).select(${expression})`)
        for (const seed of SEEDS) {
          const resource = randomResource(home, row, seed)
          const values = asSet(collectBelow(base.path, base.components[index] ?? [], resource))

          expect(values, `${home}.${name} part ${index}`).toEqual(asSet(expected(resource)))
          if (values.length > 0) found.add(`${home}.${name} ${index}`)
        }
      }
    }
  }

  expect(found.size).toBeGreaterThan(composites.length * 1.8)
})

test('the table has rows for R4 types only, and each says where its values are', () => {
  for (const { home, row } of rows) {
    expect(home === 'Resource' || isResourceType(home)).toBe(true)
    expect([row.paths, row.bases, row.result].filter((one) => one !== undefined)).toHaveLength(1)
    expect(row.targets?.every(isResourceType) ?? true).toBe(true)
  }
  expect(new Set(rows.map(({ home }) => home)).size).toBeGreaterThan(RESOURCE_TYPES.length * 0.8)
})

function randomResource(home: string, row: SearchParameterRow, seed: number): JsonObject {
  const type = home === 'Resource' ? 'Observation' : home
  const parts = (row.components ?? []).map(({ expression }) => expression)
  const names = [row.expression, ...parts].join(' ').match(/[a-z]\w*/g) ?? []
  return maker.make(type, new Set(names), seed)
}

function collect(
  paths: readonly string[],
  from: unknown,
  resource: JsonObject,
): readonly unknown[] {
  const values: unknown[] = []
  const take: ValueTest = (value) => {
    values.push(value)
    return false
  }
  for (const path of paths.map(parseElementPath)) {
    someAt(path, onlyTo(path.target, take))(from, resource)
  }
  return values
}

function collectBelow(
  base: string,
  paths: readonly string[],
  resource: JsonObject,
): readonly unknown[] {
  const values: unknown[] = []
  const takeAll: ValueTest = (element) => {
    values.push(...collect(paths, element, resource))
    return false
  }
  someAt(parseElementPath(base), takeAll)(resource, resource)
  return values
}

/** A union leaves repeated values out, so only which ones there are is compared. */
function asSet(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.map((value) => JSON.stringify(value)))].sort()
}
