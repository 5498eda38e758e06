const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/
const LONGEST = 64

/** A number as it was searched for. */
export interface SearchedDecimal {
  readonly value: number
  /** What rounds to the number as written: from `low` on, up to but not including `high`. */
  readonly low: number
  readonly high: number
  /** What is approximately the number: a tenth of it to either side, and at least what rounds to it. */
  readonly approximateLow: number
  readonly approximateHigh: number
}

/**
 * Reads a decimal of a search with the range that its digits imply: `100` is `[99.5, 100.5)`,
 * `100.00` is `[99.995, 100.005)`, `1e2` is `[95, 105)`.
 *
 * The bounds are worked out in decimal digits, so that they compare right with decimals of JSON.
 *
 * @returns `undefined` when the text is not a decimal.
 * @see {@link https://hl7.org/fhir/R4/search.html#number | FHIR R4: Number}
 */
export function parseSearchedDecimal(text: string): SearchedDecimal | undefined {
  if (text.length > LONGEST) return undefined
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign = '', whole = '', written = '', exponent] = match
  // The standard reads `1e2` as exact to one digit more than is written.
  const fraction = written === '' && exponent !== undefined ? '0' : written
  const magnitude = BigInt(whole + fraction)
  const digits = sign === '-' ? -magnitude : magnitude
  // In units of a twentieth of the last digit, half of one is 10 and a tenth of the number 2 × it.
  const twentieths = digits * 20n
  const tenth = magnitude * 2n
  const around = tenth > 10n ? tenth : 10n
  const power = Number(exponent ?? 0) - fraction.length
  const toNumber = (units: bigint): number => Number(`${(units * 5n).toString()}e${power - 2}`)
  return {
    value: toNumber(twentieths),
    low: toNumber(twentieths - 10n),
    high: toNumber(twentieths + 10n),
    approximateLow: toNumber(twentieths - around),
    approximateHigh: toNumber(twentieths + around),
  }
}
