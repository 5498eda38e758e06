import type { ResourceType } from './generated/resource-types.ts'

/**
 * The parameters of a kick-off request, in the neutral form that is the same for every edition.
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
}

/** A parameter that the request named and that is not acted upon (`Prefer: handling=lenient`). */
export interface IgnoredParameter {
  readonly name: string
  /** Why, in words fit for an OperationOutcome; holds the parameter's name, never its value. */
  readonly reason: string
}
