import type { ResourceType } from './generated/resource-types.ts'
import { isResourceId } from './resource-id.ts'
import { isResourceType } from './resource-type.ts'

const HISTORY = '/_history/'

/** Names one resource of the same server. */
export interface ResourceReference {
  readonly type: ResourceType
  readonly id: string
}

/**
 * Reads the text of `Reference.reference`.
 *
 * Import calls this once for each reference of each resource, so it only slices: no text, however
 * long, costs more than one pass over it.
 *
 * @returns `undefined` for anything but `Type/id` and `Type/id/_history/version`: absolute URLs,
 *   fragments, `urn:` names and conditional references lead to no resource that a store could find
 *   by its key.
 * @see {@link https://hl7.org/fhir/R4/references.html#literal | FHIR R4: Literal references}
 */
export function parseReference(text: string): ResourceReference | undefined {
  const typeEnd = text.indexOf('/')
  if (typeEnd <= 0) return undefined
  const type = text.slice(0, typeEnd)
  if (!isResourceType(type)) return undefined
  const idEnd = text.indexOf('/', typeEnd + 1)
  const id = idEnd === -1 ? text.slice(typeEnd + 1) : text.slice(typeEnd + 1, idEnd)
  if (!isResourceId(id)) return undefined
  if (idEnd !== -1 && !isHistory(text, idEnd)) return undefined
  return { type, id }
}

function isHistory(text: string, start: number): boolean {
  return text.startsWith(HISTORY, start) && isResourceId(text.slice(start + HISTORY.length))
}
