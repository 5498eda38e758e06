import {
  EXPORT_STU4,
  exportOperations,
  OPERATION_NOT_SUPPORTED_EXTENSION,
  operationDefinition,
  PATIENT_COMPARTMENT,
  SUPPORTING_TYPES,
  type Edition,
  type ExportLevel,
  type ExportOperation,
  type JsonObject,
  type ResourceType,
} from '@flatfhir/protocol'
import { KICK_OFF_SUPPORT } from '../kick-off/export-query.ts'

/** The levels in the order in which documents speak of them. */
export const EXPORT_LEVELS: readonly ExportLevel[] = ['system', 'patient', 'group']

const SCOPES: Readonly<Record<ExportLevel, string>> = {
  system: 'All resources.',
  patient: 'Every Patient, the compartment, and what that refers to.',
  group: 'The members of the Group, their compartments, and what those refer to.',
}

/** One operation as it is served: `$export` may be set to speak STU4. */
interface ServedOperation extends ExportOperation {
  /** Id of its OperationDefinition on this server. */
  readonly id: string
}

/** The operations of a level, as this server speaks them. */
export function servedOperations(
  level: ExportLevel,
  exportEdition: Edition,
): readonly ServedOperation[] {
  return exportOperations(level).map((operation) => {
    const { path, names } = operation
    const spoken = path === '$export' && exportEdition === 'stu4' ? EXPORT_STU4[level] : operation
    return { ...spoken, path, names, id: `bulk-${level}-${path.slice(1)}` }
  })
}

/** `operation` of the CapabilityStatement for one level. */
export function operationCapabilities(
  level: ExportLevel,
  { exportEdition, fhirBaseUrl }: { readonly exportEdition: Edition; readonly fhirBaseUrl: string },
): readonly object[] {
  return servedOperations(level, exportEdition).flatMap(({ names, definition, id }) =>
    names.map((name) => ({
      name,
      definition,
      documentation: `${SCOPES[level]} Asynchronous. Parameters: ${fhirBaseUrl}/OperationDefinition/${id}`,
    })),
  )
}

/** The OperationDefinitions that this server serves, by id. */
export function operationDefinitions({
  exportEdition,
  fhirBaseUrl,
  startedAt: date,
}: {
  readonly exportEdition: Edition
  readonly fhirBaseUrl: string
  readonly startedAt: Date
}): ReadonlyMap<string, JsonObject> {
  const served = EXPORT_LEVELS.flatMap((level) => servedOperations(level, exportEdition))
  return new Map(
    served.map((operation) => {
      const url = `${fhirBaseUrl}/OperationDefinition/${operation.id}`
      const support = KICK_OFF_SUPPORT
      const definition = operationDefinition({ operation, support, url, date })
      return [operation.id, { ...definition, id: operation.id }]
    }),
  )
}

/** Ids of the OperationDefinitions, which do not depend on the edition. */
export function operationDefinitionIds(): readonly string[] {
  return EXPORT_LEVELS.flatMap((level) => servedOperations(level, 'stu3').map(({ id }) => id))
}

/**
 * Marks a type that can be read and written, and that exports of some levels never hold.
 *
 * @see {@link https://build.fhir.org/ig/HL7/bulk-data/export.html#data-provider-capability-documentation | Bulk Data (STU4 ballot): Capability Documentation}
 */
export function notExportedExtensions(type: ResourceType): readonly object[] {
  return EXPORT_LEVELS.filter((level) => !isExported(type, level)).flatMap((level) =>
    [...new Set(exportOperations(level).map(({ canonical }) => canonical))].map((canonical) => ({
      url: OPERATION_NOT_SUPPORTED_EXTENSION,
      valueCanonical: canonical,
    })),
  )
}

/** Whether exports of a level can hold resources of a type. */
export function isExported(type: ResourceType, level: ExportLevel): boolean {
  if (level === 'system') return true
  // A roster names people outside the cohort.
  if (type === 'Group') return level === 'patient'
  return PATIENT_COMPARTMENT[type] !== undefined || SUPPORTING_TYPES.has(type)
}
