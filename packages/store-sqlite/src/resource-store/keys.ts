import { RESOURCE_TYPES, type ResourceType } from '@flatfhir/protocol'

/**
 * The key of a version is its type in the high bits and its place in the store's history, the
 * *sequence*, in the low 45. So one type's versions stand together in the order they were written:
 * an export reads one range, and `_since` is a narrower range of it. A key is at most 53 bits, which
 * a JavaScript number holds exactly.
 */
export const SEQUENCE_SPAN: number = 2 ** 45

/** `superseded_seq` of a version that is current. */
export const NEVER: number = Number.MAX_SAFE_INTEGER

// The place in R4's sorted list is stored. R4 is frozen, so the list never changes.
const CODES = new Map<string, number>(RESOURCE_TYPES.map((type, index) => [type, index]))

/** The number that stands for a type in the database. */
export function typeCode(type: ResourceType): number {
  const code = CODES.get(type)
  if (code === undefined) throw new RangeError('Not a resource type of FHIR R4')
  return code
}

/** The type that a number in the database stands for. */
export function typeOfCode(code: number): ResourceType {
  const type = RESOURCE_TYPES[code]
  if (type === undefined) throw new RangeError(`No resource type has the code ${code}`)
  return type
}

/** The key of the version of this type that was written as number `sequence`. */
export function versionKey(code: number, sequence: number): number {
  return code * SEQUENCE_SPAN + sequence
}

/** The sequence part of a key. */
export function sequenceOf(key: number): number {
  return key % SEQUENCE_SPAN
}
