import { isResourceType, parseReference, type ResourceReference } from '@flatfhir/protocol'
import { isJsonObject, type JsonObject } from './json.ts'

/**
 * Which resource of this server a Reference names literally, if it does.
 *
 * @param baseUrl - What absolute URLs of this server begin with, a slash at its end.
 */
export function localTarget(
  reference: unknown,
  baseUrl: string | undefined,
): ResourceReference | undefined {
  const text = isJsonObject(reference) ? reference['reference'] : undefined
  if (typeof text !== 'string') return undefined
  return parseReference(relativeTo(text, baseUrl))
}

/** The URL without the base of this server, where it begins with it. */
export function relativeTo(url: string, baseUrl: string | undefined): string {
  return baseUrl !== undefined && url.startsWith(baseUrl) ? url.slice(baseUrl.length) : url
}

/**
 * The type of what a Reference leads to: what `resolve() is …` asks for, answered without fetching
 * anything. A contained resource says it itself, a URL by the type before its id, and everything
 * else by `Reference.type`.
 */
export function targetType(reference: unknown, resource: JsonObject): string | undefined {
  if (!isJsonObject(reference)) return undefined
  const { reference: text, type } = reference
  if (typeof text === 'string') {
    if (text.startsWith('#')) return typeOf(containedIn(resource, text.slice(1)))
    const named = parseReference(text)?.type ?? typeInUrl(text)
    if (named !== undefined) return named
  }
  return typeof type === 'string' ? type : undefined
}

/** The contained resource with an id. */
export function containedIn(resource: JsonObject, id: string): JsonObject | undefined {
  const { contained } = resource
  if (!Array.isArray(contained)) return undefined
  return contained.find((one): one is JsonObject => isJsonObject(one) && one['id'] === id)
}

function typeOf(resource: JsonObject | undefined): string | undefined {
  const type = resource?.['resourceType']
  return typeof type === 'string' ? type : undefined
}

/** `https://example.org/fhir/Patient/1/_history/2` leads to a Patient. */
function typeInUrl(url: string): string | undefined {
  if (!url.includes('://')) return undefined
  const history = url.indexOf('/_history/')
  const steps = (history === -1 ? url : url.slice(0, history)).split('/')
  const type = steps.at(-2)
  return type !== undefined && isResourceType(type) ? type : undefined
}
