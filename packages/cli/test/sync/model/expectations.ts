import { expect } from 'vitest'
import { mergesOf, parse, patientsOf, type SourceModel, withReplaced } from './source-model.ts'
import type { Warehouse, WarehouseRow } from './warehouse.ts'

const IN_COMPARTMENTS = ['Observation', 'Patient']

/** Whether a cohort's share of the warehouse is what the model has. */
export function expectInStep(model: SourceModel, warehouse: Warehouse, cohort: string): void {
  const wanted = model.cohort(cohort)
  const held = new Map(heldBy(warehouse, cohort).map(({ name, raw }) => [name, raw]))
  const landed = [...wanted].map(([name]) => [name, held.get(name)])
  expect(new Map(landed as [string, string][])).toEqual(wanted)
  const merges = landedMerges(warehouse)
  const leftOver = untold(model, warehouse, cohort)
  expect(leftOver.filter((name) => !isMissed(name, { model, warehouse, cohort, merges }))).toEqual(
    [],
  )
  expectBookkeeping(model, warehouse, cohort)
  expect(warehouse.merges).toEqual(merges.map((each) => each.join('>')).toSorted())
}

/** What a cohort holds although the model no longer has it there. */
export function untold(
  model: SourceModel,
  warehouse: Warehouse,
  cohort: string,
): readonly string[] {
  const wanted = model.cohort(cohort)
  return heldBy(warehouse, cohort)
    .map(({ name }) => name)
    .filter((name) => !wanted.has(name))
    .sort()
}

function heldBy(warehouse: Warehouse, cohort: string): readonly WarehouseRow[] {
  return [...warehouse.rows.values()].filter(({ cohorts }) => cohorts.includes(cohort))
}

function expectBookkeeping(model: SourceModel, warehouse: Warehouse, cohort: string): void {
  const roster = cohort === 'system' ? [] : [...model.members(cohort)].sort()
  expect(warehouse.cohorts.get(cohort)?.roster).toEqual(roster)
  const counts = new Map<string, number>()
  for (const { name } of heldBy(warehouse, cohort)) {
    const key = `${cohort} ${name.replace(/\/.*/, '')}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const counted = [...warehouse.rowCounts].filter(
    ([key, count]) => key.startsWith(`${cohort} `) && count > 0,
  )
  expect(new Map(counted)).toEqual(counts)
}

/**
 * Whether no source tells of it, so that only a reconcile finds it: what is no longer referred to,
 * records that became somebody else's, and records of patients who were replaced by a member.
 */
function isMissed(
  name: string,
  known: {
    readonly model: SourceModel
    readonly warehouse: Warehouse
    readonly cohort: string
    readonly merges: readonly (readonly [string, string])[]
  },
): boolean {
  const { model, warehouse, cohort, merges } = known
  if (cohort === 'system') return false
  const [type = ''] = name.split('/')
  if (!IN_COMPARTMENTS.includes(type)) return true
  if (!model.has(name)) return false
  if (model.moved.has(name)) return true
  const row = parse(warehouse.rows.get(name)?.raw ?? '{}')
  const kept = withReplaced(model.members(cohort), merges)
  return patientsOf(row).some((id) => kept.has(id))
}

/** Who was replaced by whom, as the landed Patients say. */
function landedMerges(warehouse: Warehouse): readonly (readonly [string, string])[] {
  const all = [...warehouse.rows.values()]
    .filter(({ name }) => name.startsWith('Patient/'))
    .flatMap(({ raw }) => mergesOf(parse(raw)))
  return [...new Map(all.map((each) => [each.join(), each])).values()]
}
