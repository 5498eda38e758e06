import type { ResourceType } from '../generated/resource-types.ts'
import { isJsonObject } from '../json.ts'
import { parseReference, type ResourceReference } from '../reference.ts'
import { isResourceId } from '../resource-id.ts'

const HEADER = 'header'
const ENCODER = new TextEncoder()

/**
 * Writes the line that begins a block of an organised file: a Parameters resource that refers to the
 * resource whose block it is, with a final line feed.
 *
 * @throws RangeError when the id is not a FHIR id.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU3/export.html#bulk-data-output-file-organization | Bulk Data: Output File Organization}
 */
export function blockHeaderLine(type: ResourceType, id: string): Uint8Array {
  if (!isResourceId(id)) throw new RangeError('The id of a block is not a FHIR id')
  return ENCODER.encode(
    `{"resourceType":"Parameters","parameter":[{"name":"${HEADER}",` +
      `"valueReference":{"reference":"${type}/${id}"}}]}\n`,
  )
}

/**
 * Reads the header of a block.
 *
 * @param resource - A parsed line of an organised file.
 * @returns Whose block it begins; `undefined` when the line is no header. The reference may also be
 *   absolute: what counts is how it ends.
 */
export function readBlockHeader(resource: unknown): ResourceReference | undefined {
  if (!isJsonObject(resource) || resource['resourceType'] !== 'Parameters') return undefined
  const entries: unknown = resource['parameter']
  if (!Array.isArray(entries)) return undefined
  const header = entries.filter(isJsonObject).find((entry) => entry['name'] === HEADER)
  const value = header?.['valueReference']
  const reference = isJsonObject(value) ? value['reference'] : undefined
  return typeof reference === 'string' ? lastReference(reference) : undefined
}

function lastReference(text: string): ResourceReference | undefined {
  const relative = parseReference(text)
  if (relative !== undefined || !/^https?:\/\//i.test(text)) return relative
  return parseReference(text.split('/').slice(-2).join('/'))
}
