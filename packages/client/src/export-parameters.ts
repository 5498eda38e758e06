/** A kick-off parameter that the IG does not know. */
export interface VendorParameter {
  readonly name: string
  readonly value: string
}

/**
 * The parameters of a kick-off request as a consumer writes them; what is left out is not sent.
 *
 * Values are passed on as they are: whether a provider supports them is the provider's to say.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters}
 */
export interface ExportParameters {
  /** `_outputFormat`. Not sent by default: NDJSON is what every provider sends. */
  readonly outputFormat?: string | undefined
  /** `_since`: only what changed after this instant. */
  readonly since?: Date | undefined
  /** `_until`: only what changed before this instant. */
  readonly until?: Date | undefined
  /** `_type`: only these resource types. */
  readonly types?: readonly string[] | undefined
  /** `_typeFilter`: FHIR searches, for example `Observation?category=laboratory`, joined by "or". */
  readonly typeFilters?: readonly string[] | undefined
  /** `_elements`: only these elements, for example `Patient.birthDate` or `id`. */
  readonly elements?: readonly string[] | undefined
  /** `patient`: only these patients, `Patient/id` or the id alone. The request is a POST then. */
  readonly patients?: readonly string[] | undefined
  /** `includeAssociatedData`: codes, or `system|code` for those of a provider's own. */
  readonly includeAssociatedData?: readonly string[] | undefined
  /** `organizeOutputBy`: blocks of resources for each resource of this type, in files without type. */
  readonly organizeOutputBy?: string | undefined
  /** `allowPartialManifests`: files may be fetched while the export still runs. */
  readonly allowPartialManifests?: boolean | undefined
  /** Other parameters, such as `_container` or `_tag`, in the order in which they are sent. */
  readonly vendor?: readonly VendorParameter[] | undefined
}
