export { isJsonObject } from '@flatfhir/protocol'

/** A parsed JSON object, not checked any further. */
export type JsonObject = Readonly<Record<string, unknown>>
