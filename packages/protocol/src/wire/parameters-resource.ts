import { RequestInvalidError } from '../errors.ts'
import { isJsonObject } from '../json.ts'

/** One parameter of a FHIR Parameters resource, as far as a kick-off request writes it. */
export interface ParametersEntry {
  readonly name: string
  readonly valueString?: string
  readonly valueInstant?: string
  readonly valueCode?: string
  readonly valueCoding?: { readonly system?: string; readonly code: string }
  readonly valueReference?: { readonly reference: string }
  readonly valueBoolean?: boolean
  readonly valuePositiveInt?: number
}

/** FHIR R4 Parameters resource, as far as a kick-off request writes it. */
export interface ParametersResource {
  readonly resourceType: 'Parameters'
  /** Absent when there are none: FHIR has no empty arrays. */
  readonly parameter?: readonly ParametersEntry[]
}

/** One parameter of somebody else's Parameters resource; what it holds is not checked yet. */
export interface ReceivedEntry {
  readonly name: string
  readonly content: Readonly<Record<string, unknown>>
}

const NEXT_STEP =
  'Send {"resourceType": "Parameters", "parameter": […]}, each parameter with a name and one value.'

/**
 * Reads the outer form of a Parameters resource.
 *
 * @throws {@link RequestInvalidError} when it is not a Parameters resource, or an entry has no name.
 */
export function readParametersResource(resource: unknown): readonly ReceivedEntry[] {
  if (!isJsonObject(resource) || resource['resourceType'] !== 'Parameters') {
    throw malformed('The body is not a Parameters resource')
  }
  const entries = resource['parameter'] ?? []
  if (!Array.isArray(entries)) throw malformed('Parameters.parameter is not an array')
  return entries.map((entry: unknown, index) => {
    if (!isJsonObject(entry) || typeof entry['name'] !== 'string' || entry['name'] === '') {
      throw malformed(`Parameters.parameter[${index}] has no name`)
    }
    return { name: entry['name'], content: entry }
  })
}

/** The names of the value elements (`valueString` …) that an entry has, with parts and resources. */
export function valueElementsOf({ content }: ReceivedEntry): readonly string[] {
  return Object.keys(content).filter(
    (key) => key.startsWith('value') || key === 'part' || key === 'resource',
  )
}

/**
 * A value as it would stand in a query string: references as their `reference`, codings as
 * `system|code` or `code`.
 *
 * @returns `undefined` when the value is not of the JSON type that its element has.
 */
export function textOfValue(element: string, value: unknown): string | undefined {
  switch (element) {
    case 'valueBoolean':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'valuePositiveInt':
      return typeof value === 'number' ? String(value) : undefined
    case 'valueReference':
      return isJsonObject(value) ? textIn(value, 'reference') : undefined
    case 'valueCoding':
      return isJsonObject(value) ? textOfCoding(value) : undefined
    default:
      return typeof value === 'string' ? value : undefined
  }
}

function textOfCoding(coding: Readonly<Record<string, unknown>>): string | undefined {
  const code = textIn(coding, 'code')
  if (coding['system'] === undefined) return code
  const system = textIn(coding, 'system')
  return system === undefined || code === undefined ? undefined : `${system}|${code}`
}

function textIn(content: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const text = content[key]
  return typeof text === 'string' ? text : undefined
}

function malformed(message: string): RequestInvalidError {
  return new RequestInvalidError('structure', message, { nextStep: NEXT_STEP })
}
