import type { ExportLevel } from '@flatfhir/protocol'
import { isJsonObject, objectsOf, textsOf } from './json.ts'

/** What a CapabilityStatement says of exports. */
export interface Capabilities {
  /** What the server calls itself, in its own words. */
  readonly software: string | undefined
  readonly instantiatesBulkData: boolean
  readonly levels: readonly ExportLevel[]
  /** Name of the operation that speaks STU4, at each level that has one. */
  readonly stu4: ReadonlyMap<ExportLevel, string>
  /** Export operations without a definition. */
  readonly undefinedOperations: number
}

interface Operation {
  readonly level: ExportLevel
  readonly name: string
  readonly definition: string
}

const BULK_DATA_STATEMENT = 'http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'
const EXPORT_NAME = /^\$?(?:[a-z]+-)?export(?:-v4)?$/i
const LEVELS = ['patient', 'group', 'system'] as const

/** @returns `undefined` when this is no CapabilityStatement. */
export function readCapabilities(json: unknown): Capabilities | undefined {
  if (!isJsonObject(json) || json['resourceType'] !== 'CapabilityStatement') return undefined
  const software = isJsonObject(json['software']) ? json['software']['name'] : undefined
  const operations = objectsOf(json['rest']).flatMap(operationsOf)
  const stu4 = operations.filter(isStu4)
  const others = operations.filter((operation) => !isStu4(operation))
  return {
    software: typeof software === 'string' ? software : undefined,
    instantiatesBulkData: textsOf(json['instantiates']).some(
      (url) => url.split('|')[0] === BULK_DATA_STATEMENT,
    ),
    levels: LEVELS.filter((level) => others.some((operation) => operation.level === level)),
    stu4: new Map(
      stu4.map(({ level, name }) => [level, /-v4$/i.test(name) ? '$export-v4' : '$export']),
    ),
    undefinedOperations: operations.filter(({ definition }) => definition === '').length,
  }
}

function isStu4({ name, definition }: Operation): boolean {
  return /-v4$/i.test(name) || definition.includes('|4.')
}

function operationsOf(rest: Readonly<Record<string, unknown>>): readonly Operation[] {
  const ofResources = objectsOf(rest['resource']).flatMap((resource) => {
    const level = { Patient: 'patient', Group: 'group' }[String(resource['type'])]
    if (level !== 'patient' && level !== 'group') return []
    return objectsOf(resource['operation']).flatMap((operation) => exportOf(operation, level))
  })
  const ofSystem = objectsOf(rest['operation']).flatMap((operation) =>
    exportOf(operation, systemLevelOf(operation)),
  )
  return [...ofSystem, ...ofResources]
}

/** STU1 before its correction listed all levels at the system, told apart by their definitions. */
function systemLevelOf(operation: Readonly<Record<string, unknown>>): ExportLevel {
  const text = `${String(operation['name'])} ${String(operation['definition'])}`
  if (/group-(?:level-)?export/i.test(text)) return 'group'
  return /patient-(?:level-)?export/i.test(text) ? 'patient' : 'system'
}

function exportOf(
  operation: Readonly<Record<string, unknown>>,
  level: ExportLevel,
): readonly Operation[] {
  const { name, definition } = operation
  if (typeof name !== 'string' || !EXPORT_NAME.test(name)) return []
  return [{ level, name, definition: typeof definition === 'string' ? definition : '' }]
}
