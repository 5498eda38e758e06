import type { ExportQuery, ResourceStore, WriteOperation } from '@flatfhir/server'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readExport, type Exported } from './exported.ts'
import { transactions } from './random-writes.ts'
import {
  cohortOf,
  compartmentsOf,
  expectedExport,
  isSupporting,
  StoreModel,
  type ModelState,
} from './store-model.ts'
import type { OpenStore } from './store-fixture.ts'

/** How thorough random tests are. */
export interface RandomRuns {
  /** @defaultValue 12 */
  readonly runs?: number
}

/** With it, looking for a smaller counterexample ends in time for one to be reported. */
const MS_PER_RUN = 2500

const QUERIES: readonly ExportQuery[] = [
  { level: 'system' },
  { level: 'patient' },
  { level: 'group', groupId: 'g0' },
]

/** What one consumer has, from its first export on. */
interface Copy {
  readonly query: ExportQuery
  readonly resources: Map<string, string>
  sinceMs: number | undefined
  /** State of the model at `sinceMs`. */
  before: ModelState
}

/** Chains of `_since` exports, each from the last one's `transactionTime`, equal the store. */
export function sinceChainTests(openStore: OpenStore, { runs = 12 }: RandomRuns): void {
  describe('a chain of _since exports', () => {
    const limitMs = runs * MS_PER_RUN
    const timeout = limitMs + 30_000
    test(
      'equals the store at every level, whatever was written in between',
      { timeout },
      async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(transactions, { maxLength: 5 }), { minLength: 2, maxLength: 7 }),
            async (windows) => {
              const { store } = await openStore()
              try {
                await followChain(store, windows)
              } finally {
                await store[Symbol.asyncDispose]()
              }
            },
          ),
          { numRuns: runs, interruptAfterTimeLimit: limitMs },
        )
      },
    )
  })
}

async function followChain(
  store: ResourceStore,
  windows: readonly (readonly WriteOperation[][])[],
): Promise<void> {
  const model = new StoreModel()
  const copies: Copy[] = QUERIES.map((query) => ({
    query,
    resources: new Map<string, string>(),
    sinceMs: undefined,
    before: new Map() as ModelState,
  }))
  for (const operations of windows) {
    for (const transaction of operations) await model.write(store, transaction)
    for (const copy of copies) await followExport(store, copy, model.state)
  }
}

async function followExport(store: ResourceStore, copy: Copy, state: ModelState): Promise<void> {
  const query = copy.sinceMs === undefined ? copy.query : { ...copy.query, sinceMs: copy.sinceMs }
  const exported = await readExport(store, query)
  const full = await readExport(store, copy.query, { snapshot: exported.snapshot })
  const expected = expectedExport(state, copy.query)

  expect(textsByName(full)).toEqual(expected)
  expect(namesOf(full)).toEqual([...new Set(namesOf(full))])
  expect(namesOf(exported)).toEqual([...new Set(namesOf(exported))])

  for (const name of exported.deleted) copy.resources.delete(name)
  for (const { name, text } of exported.lines) copy.resources.set(name, text)
  expectNothingLost(copy, state, expected)
  expectNothingRepeated(copy, state, exported)
  copy.sinceMs = exported.snapshot.transactionTime.getTime()
  copy.before = state
}

/** The copy holds what it must; beyond that only what left the cohort, never what was deleted. */
function expectNothingLost(
  { query, before, resources }: Copy,
  state: ModelState,
  expected: ReadonlyMap<string, string>,
): void {
  expect(Object.fromEntries([...resources].filter(([name]) => expected.has(name)))).toEqual(
    Object.fromEntries(expected),
  )
  const expectedBefore = expectedExport(before, query)
  const stale = [...resources.keys()].filter(
    (name) => expectedBefore.has(name) && state.get(name)?.text === undefined,
  )
  expect(stale).toEqual([])
}

/** A line is there because it changed, or because it came into the cohort's reach. */
function expectNothingRepeated(
  { query, before }: Copy,
  state: ModelState,
  exported: Exported,
): void {
  const expectedBefore = expectedExport(before, query)
  const peopleBefore = cohortOf(before, query)
  const joined = [...cohortOf(state, query)].filter((one) => !peopleBefore.has(one))
  const repeated = exported.lines.filter(
    ({ name, text }) =>
      expectedBefore.get(name) === text &&
      !compartmentsOf(state, name).some((one) => joined.includes(one)) &&
      !(query.level !== 'system' && (isSupporting(name) || name.startsWith('Provenance/'))),
  )
  expect(repeated.map(({ name }) => name)).toEqual([])
}

function textsByName({ byName }: Exported): Map<string, string> {
  return new Map([...byName].map(([name, { text }]) => [name, text]))
}

function namesOf({ lines }: Exported): readonly string[] {
  return lines.map(({ name }) => name)
}
