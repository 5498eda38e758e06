import { patientResources } from './patient-resources.ts'
import { planPopulation, type PopulationOptions } from './population-plan.ts'
import type { PopulationResource } from './population-resource.ts'
import { groupPieces } from './resources/group.ts'
import { sharedResources } from './shared-resources.ts'
import { deriveSurroundings } from './surroundings.ts'

/**
 * Generates a population, one resource after the other, in an order that is always the same: what
 * patients share, then patient by patient (the Patient first), then the Groups.
 *
 * Memory follows the largest patient and the longest roster of a Group, not the population;
 * `writePopulation` does not hold rosters either.
 *
 * @throws {@link PopulationOptionInvalidError} when an option is out of its range; before the first
 *   resource.
 *
 * @example
 * ```ts
 * for (const { type, line } of generatePopulation({ patients: 10 })) console.log(type, line.length)
 * ```
 */
export function generatePopulation(
  options: PopulationOptions,
): Generator<PopulationResource, void, void> {
  const plan = planPopulation(options)
  return resourcesOf(deriveSurroundings(plan))
}

function* resourcesOf(
  surroundings: ReturnType<typeof deriveSurroundings>,
): Generator<PopulationResource, void, void> {
  yield* sharedResources(surroundings)
  for (let patient = 0; patient < surroundings.plan.patients; patient += 1) {
    yield* patientResources(surroundings, patient)
  }
  let line = ''
  for (const piece of groupPieces(surroundings)) {
    line += piece
    if (!piece.endsWith('\n')) continue
    yield { type: 'Group', line: line.slice(0, -1) }
    line = ''
  }
}
