import { parseInstant } from '../instant.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = String.raw`(?<time>\d{2}:\d{2}:\d{2})`
const PREFERRED = new RegExp(
  String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`,
)
const RFC_850 = new RegExp(
  String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) ${TIME} GMT$`,
)
const ASCTIME = new RegExp(
  String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`,
)

/**
 * Reads an HTTP date in any of the three forms of RFC 9110 section 5.6.7.
 *
 * `Date.parse` will not do: it takes many a text that is no date (`-5`) for one.
 *
 * @param now - Decides the century of a year written with two digits.
 * @returns `undefined` when the text is not an HTTP date.
 */
export function parseHttpDate(text: string, now: Date): Date | undefined {
  const match = PREFERRED.exec(text) ?? ASCTIME.exec(text) ?? RFC_850.exec(text)
  if (match?.groups === undefined) return undefined
  const { day = '', month = '', year = '', time = '' } = match.groups
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  const date = `${monthNumber}-${day.replace(' ', '0')}T${time}Z`
  if (year.length === 4) return parseInstant(`${year}-${date}`)
  const currentYear = now.getUTCFullYear()
  const century = currentYear - (currentYear % 100)
  const fullYear = century + Number(year)
  // A two-digit year more than fifty years ahead means the past one with the same digits.
  return parseInstant(`${fullYear > currentYear + 50 ? fullYear - 100 : fullYear}-${date}`)
}
