export { PATIENT_COMPARTMENT } from './generated/patient-compartment.ts'
export { RESOURCE_TYPES, type ResourceType } from './generated/resource-types.ts'
export * from './errors.ts'
export type { ExportLevel } from './export-level.ts'
export {
  BULK_DATA_CAPABILITY_STATEMENT,
  EXPORT_STU3,
  EXPORT_STU4,
  exportOperation,
  exportOperations,
  OPERATION_NOT_SUPPORTED_EXTENSION,
  operationDefinition,
  type ExportOperation,
  type OperationDefinitionInput,
} from './export-operations.ts'
export {
  BlockCheck,
  type BlockCheckOptions,
  type BlockFault,
} from './organized-output/block-check.ts'
export { blockHeaderLine, readBlockHeader } from './organized-output/block-header.ts'
export { KICK_OFF_PARAMETER_NAMES } from './wire/kick-off-definitions.ts'
export { ASSOCIATED_DATA, ASSOCIATED_DATA_SYSTEM } from './wire/parameters/associated-data.ts'
export {
  anyRootElementName,
  rootElementName,
  rootElements,
  type RootElement,
} from './elements/root-elements.ts'
export type {
  AssociatedData,
  IgnoredParameter,
  KickOffParameterName,
  KickOffParameters,
  KickOffSupport,
  TypeFilter,
} from './kick-off-parameters.ts'
export type {
  IssueSeverity,
  Manifest,
  ManifestExtensionValue,
  ManifestFile,
  OutputFileKind,
} from './manifest.ts'
export { isJsonObject } from './json.ts'
export { operationOutcome, type OperationOutcome, type OutcomeIssue } from './operation-outcome.ts'
export {
  readBundleText,
  rewriteLinks,
  type BundleEntryText,
  type BundleRequest,
  type BundleText,
} from './bundle-text.ts'
export {
  readResourceText,
  stampResource,
  stampTemplate,
  versionStamp,
  type ResourceText,
  type StampTemplate,
} from './resource-text.ts'
export { formatInstant, parseDateTimeRange, parseInstant, type DateTimeRange } from './instant.ts'
export { provenanceRule, type ProvenanceRule } from './provenance-rule.ts'
export { parseReference, type ResourceReference } from './reference.ts'
export { isResourceId } from './resource-id.ts'
export { isResourceType } from './resource-type.ts'
export { SUPPORTING_TYPES } from './supporting-types.ts'
export { acceptsFhirJson, acceptsGzip } from './http/accept.ts'
export { parseByteRange, type ByteRange } from './http/byte-range.ts'
export { parseHttpDate } from './http/http-date.ts'
export {
  EXPORT_STATUS_HEADER,
  encodeExportStatus,
  parseExportStatus,
} from './http/export-status.ts'
export {
  encodePreferenceApplied,
  parsePrefer,
  PREFERENCE_APPLIED_HEADER,
  type AppliedPreferences,
  type Preferences,
} from './http/prefer.ts'
export { parseRetryAfter } from './http/retry-after.ts'
export {
  decodeKickOffBody,
  decodeKickOffQuery,
  type DecodedKickOff,
  type DecodeKickOffOptions,
} from './wire/decode-kick-off.ts'
export {
  encodeKickOffBody,
  encodeKickOffQuery,
  type KickOffQueryStyle,
} from './wire/encode-kick-off.ts'
export type { ParametersEntry, ParametersResource } from './wire/parameters-resource.ts'
export { deletionBundleLine, readDeletionBundle } from './deletion-bundle.ts'
export { readNdjson, type NdjsonLine } from './ndjson.ts'
export { splitLines, type RawLine, type SplitLinesOptions } from './split-lines.ts'
export { decodeManifest } from './wire/decode-manifest.ts'
export type { Edition } from './wire/edition.ts'
export { encodeManifest, type JsonObject } from './wire/encode-manifest.ts'
export {
  DPC_CHECKSUM_EXTENSION,
  DPC_FILE_LENGTH_EXTENSION,
  FILE_SIZE_EXTENSION,
  SHA256_EXTENSION,
} from './wire/manifest-extensions.ts'
export {
  elementSelection,
  type ElementSelection,
  type ElementSelector,
} from './elements/element-selection.ts'
export { subsetElements, subsetLines } from './elements/subset-elements.ts'
