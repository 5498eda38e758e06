import type { ExportLevel } from './export-level.ts'
import type { KickOffSupport } from './kick-off-parameters.ts'
import type { Edition } from './wire/edition.ts'
import { DEFINITIONS, type ParameterDefinition } from './wire/kick-off-definitions.ts'
import type { JsonObject } from './wire/encode-manifest.ts'

/** Canonical URL of the CapabilityStatement that the IG asks Data Providers to instantiate. */
export const BULK_DATA_CAPABILITY_STATEMENT =
  'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'

/**
 * URL of the extension that marks a resource type or search parameter of a CapabilityStatement that
 * is not for bulk operations; its `valueCanonical` is that of an operation, or of
 * {@link BULK_DATA_CAPABILITY_STATEMENT} for all of them.
 */
export const OPERATION_NOT_SUPPORTED_EXTENSION =
  'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported'

/** One way to kick an export off: an edition's operation at one level. */
export interface ExportOperation {
  readonly level: ExportLevel
  /** Edition whose wire format is spoken; `stu3` also stands for STU1 and STU2. */
  readonly edition: 'stu3' | 'stu4'
  /** The operation's name in the URL, with `$`. */
  readonly path: '$export' | '$export-v4'
  /** HTTP methods that it is invoked with. To another one the answer is 405 with these as `Allow`. */
  readonly methods: readonly ('GET' | 'POST')[]
  /** Names in the CapabilityStatement, the first being the one that certification tools look for. */
  readonly names: readonly string[]
  /** Canonical URL of the OperationDefinition, without a version. */
  readonly canonical: string
  /** Version of the IG, which is the version of the OperationDefinition. */
  readonly version: string
  /** `canonical|version`, for `operation.definition` of a CapabilityStatement. */
  readonly definition: string
}

const DEFINITION_IDS: Readonly<Record<ExportLevel, string>> = {
  system: 'export',
  patient: 'patient-export',
  group: 'group-export',
}

/** `$export`, which speaks STU1 to STU3, at the three levels. */
export const EXPORT_STU3: Readonly<Record<ExportLevel, ExportOperation>> = operations('stu3')

/** `$export-v4`, which speaks STU4, at the three levels. */
export const EXPORT_STU4: Readonly<Record<ExportLevel, ExportOperation>> = operations('stu4')

/**
 * The operations at one level, in the order in which a CapabilityStatement should list them: tools
 * take the first that fits.
 *
 * @see {@link https://build.fhir.org/ig/HL7/bulk-data/export.html#data-provider-capability-documentation | Bulk Data (STU4 ballot): Capability Documentation}
 */
export function exportOperations(level: ExportLevel): readonly ExportOperation[] {
  return [EXPORT_STU3[level], EXPORT_STU4[level]]
}

/** The operation that kicks an export off in an edition at a level. */
export function exportOperation(edition: Edition, level: ExportLevel): ExportOperation {
  return (edition === 'stu4' ? EXPORT_STU4 : EXPORT_STU3)[level]
}

/** What an OperationDefinition says of one provider. */
export interface OperationDefinitionInput {
  readonly operation: ExportOperation
  readonly support: KickOffSupport
  /** Canonical URL of the resource itself: it is the provider's own, based on the IG's. */
  readonly url: string
  /** Day on which the provider took on these capabilities. */
  readonly date: Date
}

/**
 * The OperationDefinition of one operation as one provider has it: only with the parameters that it
 * acts upon.
 *
 * @see {@link https://hl7.org/fhir/R4/operationdefinition.html | FHIR R4: OperationDefinition}
 */
export function operationDefinition(input: OperationDefinitionInput): JsonObject {
  const { operation, support, url, date } = input
  const { level, edition, path, definition, version } = operation
  const resource = { system: undefined, patient: 'Patient', group: 'Group' }[level]
  return {
    resourceType: 'OperationDefinition',
    url,
    version,
    name: `Export${level.charAt(0).toUpperCase()}${level.slice(1)}${edition === 'stu4' ? 'V4' : ''}`,
    status: 'active',
    kind: 'operation',
    date: date.toISOString().slice(0, 10),
    // GET is only for operations that change nothing.
    affectsState: !operation.methods.includes('GET'),
    code: path.slice(1),
    base: definition,
    ...(resource !== undefined && { resource: [resource] }),
    system: level === 'system',
    type: level === 'patient',
    instance: level === 'group',
    parameter: DEFINITIONS.filter((one) => hasParameter(operation, support, one)).map((one) =>
      parameterOf(one, edition),
    ),
  }
}

function hasParameter(
  { level, edition }: ExportOperation,
  { parameters }: KickOffSupport,
  { name, sinceStu4 = false }: ParameterDefinition,
): boolean {
  if (!parameters.has(name) || (sinceStu4 && edition !== 'stu4')) return false
  return name !== 'patient' || level !== 'system'
}

function parameterOf(definition: ParameterDefinition, edition: Edition): JsonObject {
  const { name, repeats, type } = definition
  return {
    name,
    use: 'in',
    min: 0,
    max: repeats ? '*' : '1',
    // Up to STU3 a value of includeAssociatedData is a code.
    type: type === 'Coding' && edition !== 'stu4' ? 'code' : type,
    ...(name === 'patient' && {
      targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'],
    }),
  }
}

function operations(edition: 'stu3' | 'stu4'): Readonly<Record<ExportLevel, ExportOperation>> {
  return {
    system: operation(edition, 'system'),
    patient: operation(edition, 'patient'),
    group: operation(edition, 'group'),
  }
}

function operation(edition: 'stu3' | 'stu4', level: ExportLevel): ExportOperation {
  const id = DEFINITION_IDS[level]
  const canonical = `http://hl7.org/fhir/uv/bulkdata/OperationDefinition/${id}`
  const version = edition === 'stu4' ? '4.0.0' : '3.0.0'
  const common = { level, edition, canonical, version, definition: `${canonical}|${version}` }
  if (edition === 'stu4') {
    return { ...common, path: '$export-v4', methods: ['POST'], names: ['export-v4'] }
  }
  const names = [...new Set(['export', id])]
  return { ...common, path: '$export', methods: ['GET', 'POST'], names }
}
