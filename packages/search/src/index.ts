export {
  compileSearch,
  type CompiledSearch,
  type CompileSearchOptions,
  type IgnoredSearchParameter,
} from './compile-search.ts'
export { SearchInvalidError, SearchUnsupportedError, type SearchFaultPlace } from './errors.ts'
export type { JsonObject } from './json.ts'
export { supportedSearchParameters, type SupportedSearchParameter } from './parameter-table.ts'
export {
  isInPatientCompartment,
  patientsMatching,
  patientsOf,
  type CompartmentOptions,
} from './patient-compartment.ts'
export { parseTypeFilter, splitTypeFilters, type QueryLimits, type TypeFilter } from './query.ts'
export type { SearchParameterType } from './search-parameter-row.ts'
export {
  combineSearches,
  compileTypeFilters,
  type IgnoredFilterParameter,
  type TypeFilters,
} from './type-filters.ts'
