import type { Interval, Prefix } from './prefix.ts'

/** What was searched for: a number with the range that its digits imply, or a date with its length. */
export interface SearchedRange {
  readonly prefix: Prefix
  /** What a value has to lie in to be equal: from `low` on, up to but not including `high`. */
  readonly low: number
  readonly high: number
  /** Above and below what: for numbers both are the number, for dates the ends of the range. */
  readonly above: number
  readonly below: number
  /** What `ap` overlaps with, ends included. */
  readonly approximateLow: number
  readonly approximateHigh: number
}

/**
 * Whether a stretch that a resource holds stands to what was searched for as the prefix says.
 *
 * @see {@link https://hl7.org/fhir/R4/search.html#prefix | FHIR R4: Prefixes}
 */
export function isInRange(searched: SearchedRange, { low, high }: Interval): boolean {
  const isContained = low >= searched.low && high < searched.high
  switch (searched.prefix) {
    case 'eq':
      return isContained
    case 'ne':
      return !isContained
    case 'gt':
      return high > searched.above
    case 'lt':
      return low < searched.below
    case 'ge':
      return high > searched.above || isContained || (low === high && low === searched.above)
    case 'le':
      return low < searched.below || isContained || (low === high && low === searched.below)
    case 'sa':
      return low > searched.above
    case 'eb':
      return high < searched.below
    case 'ap':
      return low <= searched.approximateHigh && high >= searched.approximateLow
  }
}
