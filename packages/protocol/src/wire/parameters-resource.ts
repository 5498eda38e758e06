import { RequestInvalidError } from '../errors.ts'
import { isJsonObject } from '../json.ts'

/** One parameter of a FHIR Parameters resource, as far as a kick-off request writes it. */
export interface ParametersEntry {
  readonly name: string
  readonly valueString?: string
  readonly valueInstant?: string
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

function malformed(message: string): RequestInvalidError {
  return new RequestInvalidError('structure', message, { nextStep: NEXT_STEP })
}
