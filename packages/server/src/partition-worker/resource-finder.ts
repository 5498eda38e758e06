import { isResourceType, type ResourceReference } from '@flatfhir/protocol'
import type { JsonObject } from '@flatfhir/search'
import type { PartitionReader, Snapshot } from '../resource-store.ts'

/** Searches that follow references come back to the same few resources again and again. */
const MAX_REMEMBERED = 10_000
/** Larger resources are parsed again each time, so that what is remembered stays small. */
const MAX_REMEMBERED_BYTES = 8 * 1024

/** Finds parsed resources as of a snapshot, for searches that follow references. */
export function resourceFinder(
  reader: Pick<PartitionReader, 'find'>,
  snapshot: Snapshot,
): (reference: ResourceReference) => JsonObject | undefined {
  const remembered = new Map<string, JsonObject | undefined>()
  return ({ type, id }) => {
    if (!isResourceType(type)) return undefined
    const name = `${type}/${id}`
    if (remembered.has(name)) return remembered.get(name)
    const body = reader.find({ snapshot, type, id })
    const resource = body === undefined ? undefined : parse(body)
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    if ((body?.length ?? 0) <= MAX_REMEMBERED_BYTES) remembered.set(name, resource)
    return resource
  }
}

function parse(body: Uint8Array): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
  return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined
}
