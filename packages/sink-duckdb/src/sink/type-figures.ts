import type { LandedType, TypeDrift } from '@flatfhir/client'

/** What landing does to one type, as it is worked out. */
export interface TypeFigures extends Omit<LandedType, 'drift'> {
  readonly missing: number
  readonly outdated: number
  /** Rows that the cohort holds since this run. */
  readonly gained: number
}

/** Of a type of which the run holds nothing. */
export function untouched(type: string, before: number): TypeFigures {
  return {
    type,
    before,
    received: 0,
    duplicates: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    deletedTold: 0,
    deletedComputed: 0,
    left: 0,
    removed: 0,
    older: 0,
    comparable: 0,
    missing: 0,
    outdated: 0,
    gained: 0,
  }
}

/** Rows that the cohort loses. */
export function lost(figures: TypeFigures): number {
  return figures.deletedTold + figures.deletedComputed + figures.left
}

/** As the inspection shows it. */
export function landedType(figures: TypeFigures, hasDrift: boolean): LandedType {
  const { type, before, received, duplicates, inserted, updated, unchanged } = figures
  const { deletedTold, deletedComputed, left, removed, older, comparable } = figures
  const { missing, outdated } = figures
  const arrived = { type, before, received, duplicates, inserted, updated, unchanged }
  const gone = { deletedTold, deletedComputed, left, removed }
  const drift: TypeDrift = { missing, outdated, extra: deletedComputed }
  return { ...arrived, ...gone, older, comparable, ...(hasDrift && before > 0 && { drift }) }
}
