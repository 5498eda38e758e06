/**
 * JSON text put together from objects of ours and texts that are to stay as they are, byte for byte:
 * resources are blobs and are never parsed for an answer.
 */
export type JsonPart = string | Uint8Array

/** A property whose value is JSON text already; `undefined` where there is no value. */
export function property(name: string, value: JsonPart | undefined): readonly JsonPart[] {
  return value === undefined ? [] : [`${JSON.stringify(name)}:`, value]
}

/** An object of properties, each as {@link property} makes it. */
export function jsonObject(...properties: readonly (readonly JsonPart[])[]): Uint8Array {
  return join(['{', ...separated(properties), '}'])
}

/** An array of values that are JSON text already. */
export function jsonArray(values: readonly JsonPart[]): Uint8Array {
  return join(['[', ...separated(values.map((value) => [value])), ']'])
}

function separated(groups: readonly (readonly JsonPart[])[]): JsonPart[] {
  const present = groups.filter((group) => group.length > 0)
  return present.flatMap((group, index) => (index === 0 ? group : [',', ...group]))
}

function join(parts: readonly JsonPart[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}
