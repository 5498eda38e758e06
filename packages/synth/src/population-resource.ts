import type { ResourceType } from '@flatfhir/protocol'
import type { Json } from './json-text.ts'

/** A resource type that occurs in a population. */
export type PopulationType = Extract<
  ResourceType,
  | 'AllergyIntolerance'
  | 'CarePlan'
  | 'CareTeam'
  | 'Condition'
  | 'Coverage'
  | 'Device'
  | 'DiagnosticReport'
  | 'DocumentReference'
  | 'Encounter'
  | 'ExplanationOfBenefit'
  | 'Goal'
  | 'Group'
  | 'Immunization'
  | 'Location'
  | 'Medication'
  | 'MedicationRequest'
  | 'Observation'
  | 'Organization'
  | 'Patient'
  | 'Practitioner'
  | 'PractitionerRole'
  | 'Procedure'
  | 'Provenance'
>

/** Every type that occurs in a population, in the order in which `writePopulation` lists its files. */
export const POPULATION_TYPES: readonly PopulationType[] = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'ExplanationOfBenefit',
  'Goal',
  'Group',
  'Immunization',
  'Location',
  'Medication',
  'MedicationRequest',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Procedure',
  'Provenance',
]

/** One resource of a population. */
export interface PopulationResource {
  readonly type: PopulationType
  /** The resource as one line of JSON, without a line feed. */
  readonly line: Json
}
