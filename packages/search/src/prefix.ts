/** How a value in a resource has to stand to the one that was searched for. */
export type Prefix = 'ap' | 'eb' | 'eq' | 'ge' | 'gt' | 'le' | 'lt' | 'ne' | 'sa'

const PREFIX = /^(ap|eb|eq|ge|gt|le|lt|ne|sa)(?=[\d.-])/

/**
 * Takes the prefix off a value of an ordered parameter; without one it is `eq`.
 *
 * @see {@link https://hl7.org/fhir/R4/search.html#prefix | FHIR R4: Prefixes}
 */
export function splitPrefix(value: string): { readonly prefix: Prefix; readonly rest: string } {
  const match = PREFIX.exec(value)
  if (match === null) return { prefix: 'eq', rest: value }
  return { prefix: match[1] as Prefix, rest: value.slice(2) }
}

/** A stretch of numbers or instants, its ends included; ends may be infinite. */
export interface Interval {
  readonly low: number
  readonly high: number
}
