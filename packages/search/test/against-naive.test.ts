import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { isResourceType, type ResourceType } from '@flatfhir/protocol'
import { generatePopulation } from '@flatfhir/synth'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileSearch } from '../src/compile-search.ts'
import { isJsonObject, type JsonObject } from '../src/json.ts'
import { findParameter, supportedSearchParameters } from '../src/parameter-table.ts'
import type { SearchParameterRow } from '../src/search-parameter-row.ts'
import { compiledExpression } from './fhirpath-oracle.ts'
import { type NaiveCriterion, naiveTest } from './naive-search.ts'

type Population = ReadonlyMap<ResourceType, readonly JsonObject[]>

const MOST_OF_A_TYPE = 150
const SAMPLE = new URL('../../../../shared/sample/synthea-100/', import.meta.url)
const isSampleHere = existsSync(SAMPLE)
const PREFIXES = ['', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb']

/** One parameter, and the values that a population holds of it. */
interface SearchableParameter {
  readonly type: ResourceType
  readonly name: string
  readonly row: SearchParameterRow
  readonly values: readonly unknown[]
}

describe('on a synthetic population', () => {
  agreesWithNaiveSearch(synthetic)
})

describe.skipIf(!isSampleHere)(
  `on the Synthea sample${isSampleHere ? '' : ' (skipped: it is not on this machine)'}`,
  () => {
    agreesWithNaiveSearch(sample)
  },
)

/** Searches for what the population holds, nearly holds and does not hold. */
function agreesWithNaiveSearch(read: () => Population): void {
  test('finds exactly what a naive evaluation by FHIRPath finds', { timeout: 60_000 }, () => {
    const population = read()
    const parameters = searchable(population)
    let matches = 0

    fc.assert(
      fc.property(
        fc.constantFrom(...parameters),
        fc.record({
          index: fc.nat(),
          prefix: fc.constantFrom(...PREFIXES),
          modifier: fc.constantFrom(undefined, undefined, 'missing', 'other', 'other'),
        }),
        (parameter, choice) => {
          const criterion = criterionOf(parameter, choice)
          const resources = population.get(parameter.type) ?? []
          const search = compileSearch(parameter.type, queryOf(parameter.name, criterion))

          const expected = resources.filter(naiveTest(criterion)).map((one) => one['id'])

          expect(idsOf(resources.filter((one) => search.matches(one)))).toEqual(expected)
          matches += expected.length
        },
      ),
      { numRuns: 400 },
    )

    // Were nothing ever found, the two would agree about nothing.
    expect(parameters.length).toBeGreaterThan(100)
    expect(matches).toBeGreaterThan(1000)
  })
}

function idsOf(resources: readonly JsonObject[]): readonly unknown[] {
  return resources.map((one) => one['id'])
}

/** The parameters of which the population holds values that the naive evaluator can read. */
function searchable(population: Population): readonly SearchableParameter[] {
  return [...population].flatMap(([type, resources]) =>
    supportedSearchParameters(type).flatMap(({ name }) => {
      const row = findParameter(type, name)
      if (row === undefined || row.type === 'composite') return []
      const evaluate = compiledExpression(row.expression)
      const values = resources.slice(0, 40).flatMap((one) => [...evaluate(one)])
      const written = values.filter((value) => searchedFor(value, row) !== undefined)
      return written.length === 0 ? [] : [{ type, name, row, values: written }]
    }),
  )
}

function criterionOf(
  { row, values }: SearchableParameter,
  choice: { index: number; prefix: string; modifier: string | undefined },
): NaiveCriterion {
  const { index, modifier } = choice
  const isOrdered = ['date', 'number', 'quantity'].includes(row.type)
  const prefix = isOrdered ? choice.prefix : ''
  if (modifier === 'missing') {
    return { row, modifier, prefix: '', value: String(index % 2 === 0) }
  }
  const value = searchedFor(values[index % values.length], row, index) ?? ''
  return { row, modifier: modifier && otherModifier(row, index), prefix, value }
}

function otherModifier(row: SearchParameterRow, index: number): string | undefined {
  if (row.type === 'token') return 'not'
  if (row.type === 'string') return index % 2 === 0 ? 'exact' : 'contains'
  return undefined
}

/** A value of a resource as it could be searched for; `index` varies how. */
function searchedFor(value: unknown, row: SearchParameterRow, index = 0): string | undefined {
  switch (row.type) {
    case 'token':
      return tokenOf(value, index, row)
    case 'string':
      return textIn(value)?.slice(0, index % 3 === 0 ? undefined : 1 + (index % 7))
    case 'date':
      return dateIn(value)?.slice(0, 10)
    case 'reference':
      return referenceIn(value, index)
    case 'uri':
      return typeof value === 'string' ? value : undefined
    case 'number':
    case 'quantity': {
      const number: unknown = isJsonObject(value) ? value['value'] : value
      return typeof number === 'number' ? number.toFixed(2) : undefined
    }
    default:
      return undefined
  }
}

function tokenOf(value: unknown, index: number, row: SearchParameterRow): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  if (!isJsonObject(value)) return undefined
  const coding: unknown = Array.isArray(value['coding']) ? value['coding'][0] : value
  if (!isJsonObject(coding)) return undefined
  const { system } = coding
  const code = coding['code'] ?? coding['value']
  if (typeof code !== 'string') return undefined
  const isContact = row.paths?.some((path) => path.endsWith(':ContactPoint')) ?? false
  if (typeof system !== 'string' || isContact || index % 3 === 0) return code
  return index % 3 === 1 ? `${system}|${code}` : `${system}|`
}

function textIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!isJsonObject(value)) return undefined
  const text = value['family'] ?? value['city'] ?? value['text']
  return typeof text === 'string' ? text : undefined
}

function dateIn(value: unknown): string | undefined {
  const text: unknown = isJsonObject(value) ? (value['start'] ?? value['end']) : value
  return typeof text === 'string' && text.length >= 10 ? text : undefined
}

function referenceIn(value: unknown, index: number): string | undefined {
  if (typeof value === 'string') return value
  const text = isJsonObject(value) ? value['reference'] : undefined
  if (typeof text !== 'string' || text.includes('?') || text.startsWith('#')) return undefined
  const isLocal = /^[A-Z]\w+\/[^/]+$/.test(text)
  return isLocal && index % 2 === 0 ? text.slice(text.indexOf('/') + 1) : text
}

/** As a client writes it: separators within values escaped, everything percent-encoded. */
function queryOf(name: string, { modifier, prefix, value, row }: NaiveCriterion): string {
  const bar = row.type === 'token' ? value.indexOf('|') : -1
  const escaped =
    bar === -1 ? escape(value) : `${escape(value.slice(0, bar))}|${escape(value.slice(bar + 1))}`
  const suffix = modifier === undefined ? '' : `:${modifier}`
  return `${name}${suffix}=${encodeURIComponent(prefix + escaped)}`
}

function escape(text: string): string {
  return text.replace(/[\\,$|]/g, '\\$&')
}

function synthetic(): Population {
  const resources: JsonObject[] = []
  for (const { line } of generatePopulation({ patients: 12 })) {
    resources.push(JSON.parse(line) as JsonObject)
  }
  return byType(resources)
}

function sample(): Population {
  const files = readdirSync(SAMPLE).filter((name) => name.endsWith('.ndjson.gz'))
  return byType(
    files.flatMap((name) => {
      const lines = gunzipSync(readFileSync(new URL(name, SAMPLE)))
        .toString('utf8')
        .split('\n', 150)
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as JsonObject)
    }),
  )
}

function byType(resources: readonly JsonObject[]): Population {
  const population = new Map<ResourceType, JsonObject[]>()
  for (const resource of resources) {
    const type = String(resource['resourceType'])
    if (!isResourceType(type)) continue
    const ofType = population.get(type) ?? []
    if (ofType.length < MOST_OF_A_TYPE) population.set(type, [...ofType, resource])
  }
  return population
}
