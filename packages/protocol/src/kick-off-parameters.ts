import type { ElementSelector } from './elements/element-selection.ts'
import type { ResourceType } from './generated/resource-types.ts'

/**
 * The parameters of a kick-off request, in the neutral form that is the same for every edition.
 *
 * Lists are never empty and hold nothing twice.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters}
 */
export interface KickOffParameters {
  /** `_outputFormat`, already reduced to the one format that there is. */
  readonly outputFormat: 'application/fhir+ndjson'
  /** `_since`: only what changed after this instant. */
  readonly since?: Date
  /** `_until`: only what changed before this instant. */
  readonly until?: Date
  /** `_type`: only these types; `undefined` means all of them. */
  readonly types?: readonly ResourceType[]
  /** `_typeFilter`: filters of one type are alternatives; types without one are not filtered. */
  readonly typeFilters?: readonly TypeFilter[]
  /** `_elements`: the root elements to keep beside the mandatory ones. */
  readonly elements?: readonly ElementSelector[]
  /** `patient`: ids of the only patients whose compartments may be exported. */
  readonly patients?: readonly string[]
  /** `includeAssociatedData`: of values that contradict each other, the one for more data counts. */
  readonly includeAssociatedData?: readonly AssociatedData[]
  /** `organizeOutputBy`: files are made of blocks, one for each resource of this type. */
  readonly organizeOutputBy?: ResourceType
  /** `allowPartialManifests`: there may be manifests before the end, and several pages of them. */
  readonly allowPartialManifests?: boolean
  /** `_minimumFileSize` (STU4): bytes that a file should have, where there is enough to fill it. */
  readonly minimumFileSize?: number
  /** `_maximumFileSize` (STU4): bytes that no file may exceed; larger than the minimum. */
  readonly maximumFileSize?: number
}

/** One search query of `_typeFilter`. */
export interface TypeFilter {
  readonly type: ResourceType
  /**
   * What followed the `?`, unchanged: parameters separated by `&`, still percent-encoded where the
   * client encoded them a second time. May be empty, which every resource of the type meets.
   */
  readonly query: string
}

/** A value of `includeAssociatedData` that the IG defines, or one of a provider's own (`_…`). */
export type AssociatedData =
  'LatestProvenanceResources' | 'RelevantProvenanceResources' | `_${string}`

/** Name of a kick-off parameter, as it is spelled on the wire. */
export type KickOffParameterName =
  | '_outputFormat'
  | '_since'
  | '_until'
  | '_type'
  | '_typeFilter'
  | '_elements'
  | 'patient'
  | 'includeAssociatedData'
  | 'organizeOutputBy'
  | 'allowPartialManifests'
  | '_minimumFileSize'
  | '_maximumFileSize'

/** What a Data Provider acts upon, so that it can say truly what it leaves out. */
export interface KickOffSupport {
  /** Every other parameter of the IG is refused or, where the request is lenient, ignored. */
  readonly parameters: ReadonlySet<KickOffParameterName>
  /**
   * Values of `includeAssociatedData`.
   *
   * @defaultValue both values of the IG
   */
  readonly associatedData?: ReadonlySet<AssociatedData>
  /**
   * Types that the output can be organised by.
   *
   * @defaultValue Patient
   */
  readonly organizers?: ReadonlySet<ResourceType>
}

/** A parameter that the request named and that is not acted upon (`Prefer: handling=lenient`). */
export interface IgnoredParameter {
  readonly name: string
  /** Why, in words fit for an OperationOutcome; holds the parameter's name, never its value. */
  readonly reason: string
}
