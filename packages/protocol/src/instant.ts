const DATE = String.raw`(\d{4})-(\d{2})-(\d{2})`
const TIME = String.raw`(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,32}))?`
const ZONE = String.raw`Z|[+-]\d{2}:\d{2}`
const INSTANT = new RegExp(`^${DATE}T${TIME}(${ZONE})$`)
const DATE_TIME = new RegExp(String.raw`^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T${TIME}(${ZONE})?)?)?)?$`)

/** FHIR allows offsets up to fourteen hours. */
const MAX_OFFSET_MINUTES = 14 * 60
const MS_PER_MINUTE = 60_000

/** From `start` on, up to but not including `end`. */
export interface DateTimeRange {
  readonly start: Date
  readonly end: Date
}

/**
 * Reads a FHIR `instant`: date, time to the second at least, and time zone.
 *
 * Digits beyond milliseconds are cut off, so that the result is never later than what was written:
 * as `_since` it asks for too much rather than too little. A leap second (`:60`) becomes the last
 * millisecond of its minute for the same reason.
 *
 * @returns `undefined` when the text is not an instant or names no real date.
 * @see {@link https://hl7.org/fhir/R4/datatypes.html#instant | FHIR R4: instant}
 */
export function parseInstant(text: string): Date | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match
  const dayMs = startOfDay(Number(year), Number(month), Number(day))
  const timeMs = timeOfDay(Number(hour), Number(minute), Number(second))
  const zoneMs = offsetOf(zone)
  if (dayMs === undefined || timeMs === undefined || zoneMs === undefined) return undefined
  const fractionMs = Number(second) === 60 ? 0 : Number(fraction.padEnd(3, '0').slice(0, 3))
  const date = new Date(dayMs + timeMs + fractionMs - zoneMs)
  // In UTC too it has to be a year that an instant can be written with.
  const utcYear = date.getUTCFullYear()
  return utcYear >= 1 && utcYear <= 9999 ? date : undefined
}

/** Writes a FHIR `instant` in UTC with milliseconds. */
export function formatInstant(date: Date): string {
  return date.toISOString()
}

/**
 * Reads a FHIR `dateTime` of any precision as the stretch of time that it covers: a year, a month,
 * a day, a second or a fraction of one. UTC is assumed where no time zone is written.
 *
 * @returns `undefined` when the text is not a dateTime or names no real date.
 * @see {@link https://hl7.org/fhir/R4/datatypes.html#dateTime | FHIR R4: dateTime}
 */
export function parseDateTimeRange(text: string): DateTimeRange | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, , , fraction, zone] = match
  if (hour !== undefined) {
    const start = parseInstant(zone === undefined ? `${text}Z` : text)
    return start && { start, end: new Date(start.getTime() + precisionMs(text, fraction)) }
  }
  const start = startOfDay(Number(year), Number(month ?? 1), Number(day ?? 1))
  if (start === undefined) return undefined
  const end = new Date(start)
  if (day !== undefined) end.setUTCDate(end.getUTCDate() + 1)
  else if (month !== undefined) end.setUTCMonth(end.getUTCMonth() + 1)
  else end.setUTCFullYear(end.getUTCFullYear() + 1)
  return { start: new Date(start), end }
}

/** How long the last written digit lasts; at least the millisecond that a Date can hold. */
function precisionMs(text: string, fraction: string | undefined): number {
  const isLeapSecond = text.slice(17, 19) === '60'
  if (isLeapSecond) return 1
  return Math.max(1, 1000 / 10 ** (fraction?.length ?? 0))
}

function startOfDay(year: number, month: number, day: number): number | undefined {
  // Date.UTC would take the years 0 to 99 for 1900 to 1999. FHIR has no year 0.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isReal =
    year > 0 && month >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? date.getTime() : undefined
}

function timeOfDay(hour: number, minute: number, second: number): number | undefined {
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const secondMs = second === 60 ? 59_999 : second * 1000
  return (hour * 60 + minute) * MS_PER_MINUTE + secondMs
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0
  const minute = Number(zone.slice(4, 6))
  const minutes = Number(zone.slice(1, 3)) * 60 + minute
  if (minute > 59 || minutes > MAX_OFFSET_MINUTES) return undefined
  return (zone.startsWith('-') ? -minutes : minutes) * MS_PER_MINUTE
}
