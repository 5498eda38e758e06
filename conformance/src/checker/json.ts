import { isJsonObject } from '@flatfhir/protocol'

export { isJsonObject }

/** The objects of an array; none where there is no array. */
export function objectsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** The texts of an array; none where there is no array. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : []
}

/** Whether this is an OperationOutcome with an issue. */
export function isOperationOutcome(json: unknown): boolean {
  if (!isJsonObject(json) || json['resourceType'] !== 'OperationOutcome') return false
  return objectsOf(json['issue']).length > 0
}
