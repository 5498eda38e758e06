import { RESOURCE_TYPES, type ResourceType } from './generated/resource-types.ts'

const KNOWN: ReadonlySet<string> = new Set(RESOURCE_TYPES)

/** Whether a text is the name of a concrete resource type of FHIR R4; case matters. */
export function isResourceType(text: string): text is ResourceType {
  return KNOWN.has(text)
}
