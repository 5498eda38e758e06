export {
  PopulationDirectoryNotEmptyError,
  PopulationOptionInvalidError,
  PopulationWriteFailedError,
} from './errors.ts'
export { generatePopulation } from './generate-population.ts'
export {
  DEFAULT_SEED,
  DEFAULT_TODAY,
  MAX_PATIENTS,
  type PopulationOptions,
} from './population-plan.ts'
export {
  POPULATION_TYPES,
  type PopulationResource,
  type PopulationType,
} from './population-resource.ts'
export {
  writePopulation,
  type PopulationFile,
  type PopulationProgress,
  type PopulationSummary,
  type WritePopulationOptions,
} from './write-population.ts'
