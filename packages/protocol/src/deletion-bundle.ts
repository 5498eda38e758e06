import { ResourceInvalidError, type ResourceFault } from './errors.ts'
import type { ResourceType } from './generated/resource-types.ts'
import { isJsonObject } from './json.ts'
import type { ResourceReference } from './reference.ts'
import { isResourceType } from './resource-type.ts'

/** Wider than FHIR's ids: servers in the field have longer ones, and a deletion must not be lost. */
const DELETED_ID = /^[A-Za-z0-9\-._~]{1,255}$/

/**
 * Writes one line of a `deleted` file, without a line feed: a transaction Bundle with one entry.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest | Bulk Data: Output Manifest, deleted}
 */
export function deletionBundleLine(type: ResourceType, id: string): string {
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ request: { method: 'DELETE', url: `${type}/${id}` } }],
  })
}

/**
 * Reads one line of a `deleted` file: which resources are gone.
 *
 * Absolute URLs are taken as well as relative ones. Anything else is refused rather than skipped,
 * because a deletion that is not understood leaves data behind that should be gone.
 *
 * @param bundle - The parsed line.
 * @throws {@link ResourceInvalidError} when it is not a transaction Bundle of deletions of single
 *   resources.
 */
export function readDeletionBundle(bundle: unknown): readonly ResourceReference[] {
  if (!isJsonObject(bundle) || bundle['resourceType'] !== 'Bundle') {
    throw new ResourceInvalidError('wrong-type', 'A line of a deleted file is not a Bundle')
  }
  const entries = bundle['entry'] ?? []
  if (bundle['type'] !== 'transaction' || !Array.isArray(entries)) {
    throw new ResourceInvalidError('wrong-type', 'A deletion Bundle is not a transaction')
  }
  return entries.map(readEntry)
}

function readEntry(entry: unknown, index: number): ResourceReference {
  const request = isJsonObject(entry) ? entry['request'] : undefined
  if (!isJsonObject(request) || request['method'] !== 'DELETE') {
    throw entryInvalid('wrong-type', index, 'does not delete')
  }
  const { url } = request
  if (typeof url !== 'string') throw entryInvalid('missing-id', index, 'has no URL')
  const [type = '', id = ''] = url.split('/').slice(-2)
  if (!isResourceType(type)) throw entryInvalid('unknown-type', index, 'names no resource type')
  if (!DELETED_ID.test(id)) throw entryInvalid('invalid-id', index, 'names no single resource')
  return { type, id }
}

function entryInvalid(fault: ResourceFault, index: number, why: string): ResourceInvalidError {
  return new ResourceInvalidError(fault, `Entry ${index} of a deletion Bundle ${why}`)
}
