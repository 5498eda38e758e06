import { isResourceType, type ResourceType } from '@flatfhir/protocol'
import type { ResourceStore, StoredResource, WriteOperation, WriteResult } from '@flatfhir/server'

/** A resource as an object, for tests that are not about its bytes. */
export interface Fhir extends Readonly<Record<string, unknown>> {
  readonly resourceType: ResourceType
  readonly id: string
}

/** UTF-8 of a text, or of an object's JSON. */
export function utf8(value: string | object): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

/** The text of UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

/** A Patient. */
export function patient(id: string, rest: object = {}): Fhir {
  return { resourceType: 'Patient', id, ...rest }
}

/** An Observation of a patient. */
export function observation(id: string, patientId: string, rest: object = {}): Fhir {
  return { resourceType: 'Observation', id, subject: ref(`Patient/${patientId}`), ...rest }
}

/** A Group; members are given as `Type/id`, or in full. */
export function group(id: string, members: readonly (string | object)[], rest: object = {}): Fhir {
  const member = members.map((one) => (typeof one === 'string' ? { entity: ref(one) } : one))
  return { resourceType: 'Group', id, type: 'person', actual: true, member, ...rest }
}

/** Any other resource. */
export function resource(name: string, rest: object = {}): Fhir {
  const [type = '', id = ''] = name.split('/')
  if (!isResourceType(type)) throw new TypeError(`${type} is not a resource type`)
  return { resourceType: type, id, ...rest }
}

/** A Reference. */
export function ref(reference: string): { readonly reference: string } {
  return { reference }
}

/** Updates or creates resources, in one call. */
export async function put(
  store: ResourceStore,
  ...resources: readonly Fhir[]
): Promise<readonly StoredResource[]> {
  const results = await store.write(resources.map(putOperation))
  return results.map(storedOf)
}

/** An update of a resource by its own id. */
export function putOperation(one: Fhir): WriteOperation {
  return { kind: 'update', type: one.resourceType, id: one.id, body: utf8(one) }
}

/** A delete of `Type/id`. */
export function deleteOperation(name: string): WriteOperation {
  const [type = '', id = ''] = name.split('/')
  if (!isResourceType(type)) throw new TypeError(`${type} is not a resource type`)
  return { kind: 'delete', type, id }
}

/** Deletes resources, given as `Type/id`, in one call. */
export async function remove(store: ResourceStore, ...names: readonly string[]): Promise<void> {
  await store.write(names.map(deleteOperation))
}

/** The stored resource of a write that was carried out. */
export function storedOf(result: WriteResult | undefined): StoredResource {
  if (result === undefined || !('resource' in result)) {
    throw new TypeError(`The write stored nothing: ${JSON.stringify(result)}`)
  }
  return result.resource
}
