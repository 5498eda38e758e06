/** The types of search parameters of FHIR R4. */
export type SearchParameterType =
  | 'composite'
  | 'date'
  | 'number'
  | 'quantity'
  | 'reference'
  | 'special'
  | 'string'
  | 'token'
  | 'uri'

/** One search parameter of one resource type, as the generated table holds it. */
export interface SearchParameterRow {
  readonly type: SearchParameterType
  /** Last part of the canonical URL of its SearchParameter resource. */
  readonly definition: string
  /** FHIRPath, cut down to one resource type, with `ofType` in the place of `as`. */
  readonly expression: string
  /**
   * Where the values stand: JSON properties joined by dots and the type at their end, for example
   * `telecom[system=phone]:ContactPoint`, `subject:Reference>Patient` (only references to a Patient)
   * or `gender:code@http://hl7.org/fhir/administrative-gender` (the system of the code is implied).
   */
  readonly paths?: readonly string[]
  /** Instead of `paths`: the expression has to be evaluated, and this type comes out. */
  readonly result?: string
  /** Types that a reference leads to; absent when it leads to any. */
  readonly targets?: readonly string[]
  /** What the parts of a composite are. */
  readonly components?: readonly CompositeComponent[]
  /** Where a composite can stand, and what its parts look at from there. */
  readonly bases?: readonly CompositeBase[]
}

/** One part of a composite. */
export interface CompositeComponent {
  readonly type: SearchParameterType
  /** FHIRPath from where the composite stands. */
  readonly expression: string
}

/** One element in which all parts of a composite have to match. */
export interface CompositeBase {
  /** Empty for the resource itself. */
  readonly path: string
  /** For each part the paths from here; one that begins with `%` begins at the resource. */
  readonly components: readonly (readonly string[])[]
}

/** Search parameters by resource type and code; `Resource` has those of all types. */
export type SearchParameterTable = Readonly<
  Record<string, Readonly<Record<string, SearchParameterRow>>>
>
