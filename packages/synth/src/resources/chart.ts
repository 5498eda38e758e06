import type { Json } from '../json-text.ts'
import type { PopulationResource, PopulationType } from '../population-resource.ts'
import type { Visit } from '../story/story.ts'

/** Something that a visit is charged for. */
export interface Charge {
  /** What was done, as a CodeableConcept. */
  readonly concept: Json
  readonly cents: number
}

/** Collects the resources of one visit, what it costs, and what its Provenance covers. */
export class Chart {
  readonly visit: Visit
  readonly charges: Charge[]
  /** References. */
  readonly provenanceTargets: Json[]
  readonly #resources: PopulationResource[]

  constructor(visit: Visit, resources: PopulationResource[]) {
    this.visit = visit
    this.charges = [{ concept: visit.kind.type, cents: visit.kind.cents }]
    this.provenanceTargets = [visit.reference]
    this.#resources = resources
  }

  add(type: PopulationType, line: Json): void {
    this.#resources.push({ type, line })
  }
}
