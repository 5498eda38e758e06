import { type DateTimeRange, parseDateTimeRange } from '@flatfhir/protocol'
import { type Criterion, invalidValue } from '../criterion.ts'
import type { ValueTest } from '../element-path.ts'
import { isInRange, type SearchedRange } from '../interval-test.ts'
import { isJsonObject } from '../json.ts'
import { type Interval, splitPrefix } from '../prefix.ts'

const MINUTES = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})((?:Z|[+-]\d{2}:\d{2})?)$/
/** A plus sign in a query means a space, and no date has one. */
const SPACE_BEFORE_ZONE = / (?=\d{2}:\d{2}$)/
const MS_PER_MINUTE = 60_000
/** A tenth of the gap between now and the date, as the standard recommends. */
const APPROXIMATION = 0.1

type IntervalReader = (value: unknown) => Interval | undefined

const READERS: ReadonlyMap<string, IntervalReader> = new Map<string, IntervalReader>([
  ['date', dateTimeInterval],
  ['dateTime', dateTimeInterval],
  ['instant', dateTimeInterval],
  ['Period', periodInterval],
  ['Timing', timingInterval],
])

/** The element types that dates can be searched in. */
export const DATE_ELEMENT_TYPES: ReadonlySet<string> = new Set(READERS.keys())

/**
 * A test for dates: each value with its prefix, as a stretch of time of the precision written.
 * Where no time zone is written, on either side, UTC is assumed.
 *
 * @throws {@link SearchInvalidError} when a value is not a date.
 * @see {@link https://hl7.org/fhir/R4/search.html#date | FHIR R4: Date}
 */
export function dateTest(criterion: Criterion, elementType: string): ValueTest | undefined {
  const read = READERS.get(elementType)
  const searched = criterion.values.map((value) => readSearched(value, criterion))
  if (read === undefined) return undefined
  return (value) => {
    const interval = read(value)
    return interval !== undefined && searched.some((one) => isInRange(one, interval))
  }
}

function readSearched(value: string, criterion: Criterion): SearchedRange {
  const { prefix, rest } = splitPrefix(value)
  const range = parseSearchedDate(rest.replace(SPACE_BEFORE_ZONE, '+'))
  if (range === undefined) throw invalidValue(criterion, 'a FHIR date with an optional prefix')
  const low = range.start.getTime()
  const high = range.end.getTime()
  const gap = Math.abs(criterion.now.getTime() - low) * APPROXIMATION
  return {
    prefix,
    low,
    high,
    above: high - 1,
    below: low,
    approximateLow: low - gap,
    approximateHigh: high - 1 + gap,
  }
}

/** Unlike a dateTime in a resource, one in a search may leave the seconds out. */
function parseSearchedDate(text: string): DateTimeRange | undefined {
  const match = MINUTES.exec(text)
  if (match === null) return parseDateTimeRange(text)
  const [, minute = '', zone = ''] = match
  const range = parseDateTimeRange(`${minute}:00${zone}`)
  return range && { start: range.start, end: new Date(range.start.getTime() + MS_PER_MINUTE) }
}

function dateTimeInterval(value: unknown): Interval | undefined {
  const range = typeof value === 'string' ? parseDateTimeRange(value) : undefined
  return range && { low: range.start.getTime(), high: range.end.getTime() - 1 }
}

/** A period without a start or an end has always begun, or never ends. */
function periodInterval(value: unknown): Interval | undefined {
  if (!isJsonObject(value)) return undefined
  const start = dateTimeInterval(value['start'])
  const end = dateTimeInterval(value['end'])
  if (start === undefined && end === undefined) return undefined
  // An end that cannot be read is not one that is open.
  if (start === undefined && value['start'] !== undefined) return undefined
  if (end === undefined && value['end'] !== undefined) return undefined
  return { low: start?.low ?? -Infinity, high: end?.high ?? Infinity }
}

/** Only the outer limits of a schedule matter: its first and last event, and its bounds. */
function timingInterval(value: unknown): Interval | undefined {
  if (!isJsonObject(value)) return undefined
  const { event, repeat } = value
  const bounds = isJsonObject(repeat) ? periodInterval(repeat['boundsPeriod']) : undefined
  const events = Array.isArray(event) ? event.map(dateTimeInterval) : []
  const known = [bounds, ...events].filter((one) => one !== undefined)
  if (known.length === 0) return undefined
  return known.reduce((one, other) => ({
    low: Math.min(one.low, other.low),
    high: Math.max(one.high, other.high),
  }))
}
