/**
 * Dates as whole numbers: a *day* counts from 1970-01-01, a *second* from that day's midnight, both
 * on the local calendar of the practice. Nothing here asks the machine's clock, time zone or locale.
 */

/** Seconds of a day. */
export const DAY_SECONDS = 86_400
/** Days of a year, near enough for ages and intervals. */
export const YEAR_DAYS = 365

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, n) =>
  n.toString().padStart(2, '0'),
)

/** Reads `YYYY-MM-DD`. Returns `undefined` for anything else, impossible dates included. */
export function parseDay(text: string): number | undefined {
  const match = DATE.exec(text)
  if (match === null) return undefined
  const day = dayOf(Number(match[1]), Number(match[2]), Number(match[3]))
  return formatDay(day) === text ? day : undefined
}

/** The day of a date of the Gregorian calendar. */
export function dayOf(year: number, month: number, dayOfMonth: number): number {
  // Years start in March, so that the day of a leap year comes last; eras are 400 years.
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + dayOfMonth - 1
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468
}

/** Writes a day as `YYYY-MM-DD`. */
export function formatDay(day: number): string {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  return `${year.toString().padStart(4, '0')}-${twoDigits(month)}-${twoDigits(dayOfMonth)}`
}

/** Writes a second as a FHIR `dateTime`, for example `2021-03-04T09:15:00-05:00`. */
export function formatDateTime(second: number, zone: string): string {
  return `${formatLocal(second)}${zone}`
}

/** Writes a second as a FHIR `instant` with milliseconds. */
export function formatInstant(second: number, millisecond: number, zone: string): string {
  return `${formatLocal(second)}.${millisecond.toString().padStart(3, '0')}${zone}`
}

/** The day on which a second lies. */
export function dayOfSecond(second: number): number {
  return Math.floor(second / DAY_SECONDS)
}

function formatLocal(second: number): string {
  const day = dayOfSecond(second)
  const rest = second - day * DAY_SECONDS
  const hour = twoDigits(Math.floor(rest / 3600))
  const minute = twoDigits(Math.floor(rest / 60) % 60)
  return `${formatDay(day)}T${hour}:${minute}:${twoDigits(rest % 60)}`
}

function twoDigits(value: number): string {
  return TWO_DIGITS[value] ?? value.toString()
}
