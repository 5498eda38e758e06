import { type Criterion, invalidValue } from '../criterion.ts'
import { parseSearchedDecimal } from '../decimal.ts'
import type { ValueTest } from '../element-path.ts'
import { isInRange, type SearchedRange } from '../interval-test.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import { type Interval, type Prefix, splitPrefix } from '../prefix.ts'
import { splitEscaped, unescapeValue } from '../split-escaped.ts'

const CURRENCY_SYSTEM = 'urn:iso:std:iso:4217'
/** With these the digits written say nothing about precision. */
const COMPARISONS: ReadonlySet<Prefix> = new Set(['eb', 'ge', 'gt', 'le', 'lt', 'sa'])

interface SearchedQuantity {
  readonly range: SearchedRange
  /** Empty for any. */
  readonly system: string
  /** Empty for any. */
  readonly code: string
}

type QuantityTest = (value: JsonObject, searched: SearchedQuantity) => boolean

const QUANTITY_TESTS: ReadonlyMap<string, QuantityTest> = new Map<string, QuantityTest>([
  ['Age', isQuantity],
  ['Duration', isQuantity],
  ['Money', isMoney],
  ['Quantity', isQuantity],
  ['Range', isRange],
])

/** The element types that quantities can be searched in. */
export const QUANTITY_ELEMENT_TYPES: ReadonlySet<string> = new Set(QUANTITY_TESTS.keys())

/** The element types that numbers can be searched in. */
export const NUMBER_ELEMENT_TYPES: ReadonlySet<string> = new Set(['decimal', 'integer', 'Range'])

/**
 * A test for `[prefix]number`, `number|system|code` and `number||code`, where the code may also be
 * the unit as people write it. Units are compared, never converted.
 *
 * @throws {@link SearchInvalidError} when a value is not a quantity.
 * @see {@link https://hl7.org/fhir/R4/search.html#quantity | FHIR R4: Quantity}
 */
export function quantityTest(criterion: Criterion, elementType: string): ValueTest | undefined {
  const searched = criterion.values.map((value) => readQuantity(value, criterion))
  const test = QUANTITY_TESTS.get(elementType)
  if (test === undefined) return undefined
  return (value) => isJsonObject(value) && searched.some((one) => test(value, one))
}

/**
 * A test for numbers, each with its prefix and the precision of its digits.
 *
 * @throws {@link SearchInvalidError} when a value is not a number.
 * @see {@link https://hl7.org/fhir/R4/search.html#number | FHIR R4: Number}
 */
export function numberTest(criterion: Criterion, elementType: string): ValueTest | undefined {
  const searched = criterion.values.map((value) => readNumber(value, criterion))
  if (!NUMBER_ELEMENT_TYPES.has(elementType)) return undefined
  const toInterval = elementType === 'Range' ? rangeInterval : pointInterval
  return (value) => {
    const interval = toInterval(value)
    return interval !== undefined && searched.some((one) => isInRange(one, interval))
  }
}

function readQuantity(value: string, criterion: Criterion): SearchedQuantity {
  const parts = splitEscaped(value, '|')
  const [number = '', system = '', code = ''] = parts.map(unescapeValue)
  if (parts.length === 2 || parts.length > 3) {
    throw invalidValue(criterion, 'number, number|system|code or number||code')
  }
  return { range: readNumber(number, criterion), system, code }
}

function readNumber(value: string, criterion: Criterion): SearchedRange {
  const { prefix, rest } = splitPrefix(value)
  const decimal = parseSearchedDecimal(rest)
  if (decimal === undefined) throw invalidValue(criterion, 'a number with an optional prefix')
  const isComparison = COMPARISONS.has(prefix)
  return {
    prefix,
    low: isComparison ? decimal.value : decimal.low,
    high: isComparison ? decimal.value : decimal.high,
    above: decimal.value,
    below: decimal.value,
    approximateLow: decimal.approximateLow,
    approximateHigh: decimal.approximateHigh,
  }
}

function isQuantity(quantity: JsonObject, searched: SearchedQuantity): boolean {
  const interval = quantityInterval(quantity)
  return (
    interval !== undefined && hasUnit(quantity, searched) && isInRange(searched.range, interval)
  )
}

function isMoney(money: JsonObject, { range, system, code }: SearchedQuantity): boolean {
  const interval = pointInterval(money['value'])
  if (interval === undefined || (code !== '' && money['currency'] !== code)) return false
  return (system === '' || system === CURRENCY_SYSTEM) && isInRange(range, interval)
}

/** Both ends that are there have to have the unit. */
function isRange(range: JsonObject, searched: SearchedQuantity): boolean {
  const interval = rangeInterval(range)
  const ends = [range['low'], range['high']].filter(isJsonObject)
  if (interval === undefined || !ends.every((end) => hasUnit(end, searched))) return false
  return isInRange(searched.range, interval)
}

function hasUnit(quantity: JsonObject, { system, code }: SearchedQuantity): boolean {
  if (system !== '' && quantity['system'] !== system) return false
  if (code === '' || quantity['code'] === code) return true
  return system === '' && quantity['unit'] === code
}

/** `<5` is everything up to 5, `>5` everything from 5 on. */
function quantityInterval(quantity: JsonObject): Interval | undefined {
  const { value, comparator } = quantity
  if (typeof value !== 'number') return undefined
  const isBelow = comparator === '<' || comparator === '<='
  const isAbove = comparator === '>' || comparator === '>='
  return { low: isBelow ? -Infinity : value, high: isAbove ? Infinity : value }
}

function pointInterval(value: unknown): Interval | undefined {
  return typeof value === 'number' ? { low: value, high: value } : undefined
}

function rangeInterval(value: unknown): Interval | undefined {
  if (!isJsonObject(value)) return undefined
  const low = isJsonObject(value['low']) ? pointInterval(value['low']['value']) : undefined
  const high = isJsonObject(value['high']) ? pointInterval(value['high']['value']) : undefined
  if (low === undefined && high === undefined) return undefined
  return { low: low?.low ?? -Infinity, high: high?.high ?? Infinity }
}
