import { isJsonObject, type JsonObject } from '../src/json.ts'
import type { SearchParameterRow } from '../src/search-parameter-row.ts'
import { compiledExpression } from './fhirpath-oracle.ts'

/** One parameter with one value, before it is written as a query. */
export interface NaiveCriterion {
  readonly row: SearchParameterRow
  readonly modifier: string | undefined
  readonly prefix: string
  /** Without escapes. A token is `system|code` or a code; a quantity a number with two decimals. */
  readonly value: string
}

const DAY = 86_400_000

/**
 * Search as one would first write it down, apart from the product: all values by FHIRPath, and each
 * looked at by what it looks like.
 */
export function naiveTest(criterion: NaiveCriterion): (resource: JsonObject) => boolean {
  const evaluate = compiledExpression(criterion.row.expression)
  return (resource) => {
    const values = evaluate(resource)
    if (criterion.modifier === 'missing')
      return (values.length === 0) === (criterion.value === 'true')
    if (criterion.modifier === 'not')
      return !values.some((value) => isToken(value, criterion.value))
    return values.some((value) => isMatch(value, criterion))
  }
}

function isMatch(
  value: unknown,
  { row, modifier, prefix, value: wanted }: NaiveCriterion,
): boolean {
  switch (row.type) {
    case 'token':
      return isToken(value, wanted)
    case 'string':
      return textsOf(value).some((text) => isText(text, wanted, modifier))
    case 'date':
      return rangesOf(value).some((range) => compare(prefix, range, dayRange(wanted)))
    case 'reference':
      return isReference(value, wanted)
    case 'uri':
      return value === wanted || String(value).startsWith(`${wanted}|`)
    case 'quantity':
    case 'number':
      return compareNumber(prefix, numberOf(value), wanted)
    default:
      return false
  }
}

function isToken(value: unknown, wanted: string): boolean {
  const bar = wanted.indexOf('|')
  const system = bar === -1 ? undefined : wanted.slice(0, bar)
  const code = wanted.slice(bar + 1).toLowerCase()
  return pairsOf(value).some(
    (pair) =>
      (code === '' || pair.code.toLowerCase() === code) &&
      (system === undefined || pair.system === system),
  )
}

function pairsOf(value: unknown): readonly { readonly system: string; readonly code: string }[] {
  if (!isJsonObject(value)) return [{ system: '', code: String(value) }]
  if (Array.isArray(value['coding'])) return value['coding'].flatMap(pairsOf)
  const isContact = /^(phone|fax|email|pager|url|sms|other)$/.test(textOf(value['system']))
  const code = textOf(value['code'] ?? value['value'])
  return [{ system: isContact ? '' : textOf(value['system']), code }]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (!isJsonObject(value)) return []
  return Object.entries(value)
    .filter(([name]) => !['use', 'type', 'period', 'extension', 'id'].includes(name))
    .flatMap(([, part]) => [part].flat())
    .filter((part) => typeof part === 'string')
}

function isText(text: string, wanted: string, modifier: string | undefined): boolean {
  if (modifier === 'exact') return text === wanted
  const plain = (one: string): string =>
    one
      .normalize('NFD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLocaleLowerCase('en')
  const at = plain(text).indexOf(plain(wanted))
  return modifier === 'contains' ? at !== -1 : at === 0
}

/** From the first instant on, up to but not including the second. */
type Range = readonly [number, number]

function rangesOf(value: unknown): readonly Range[] {
  if (typeof value === 'string') return [momentRange(value)]
  if (!isJsonObject(value)) return []
  const { start, end } = value
  if (start === undefined && end === undefined) return []
  return [
    [
      typeof start === 'string' ? momentRange(start)[0] : -Infinity,
      typeof end === 'string' ? momentRange(end)[1] : Infinity,
    ],
  ]
}

/** Dates of a day's precision, and instants with a zone, are all that the populations hold. */
function momentRange(text: string): Range {
  if (text.length === 10) return dayRange(text)
  const start = Date.parse(text)
  return [start, start + (text.includes('.') ? 1 : 1000)]
}

function dayRange(day: string): Range {
  const start = Date.parse(`${day}T00:00:00Z`)
  return [start, start + DAY]
}

function compare(prefix: string, [start, end]: Range, [low, high]: Range): boolean {
  const isWithin = low <= start && end <= high
  const overlapsAbove = end > high
  const overlapsBelow = start < low
  switch (prefix) {
    case 'ne':
      return !isWithin
    case 'gt':
      return overlapsAbove
    case 'lt':
      return overlapsBelow
    case 'ge':
      return overlapsAbove || isWithin
    case 'le':
      return overlapsBelow || isWithin
    case 'sa':
      return start >= high
    case 'eb':
      return end <= low
    default:
      return isWithin
  }
}

function isReference(value: unknown, wanted: string): boolean {
  if (typeof value === 'string') return value === wanted
  const reference = isJsonObject(value) ? textOf(value['reference']) : ''
  if (reference.includes('://') || reference.startsWith('urn:')) return reference === wanted
  return wanted.includes('/') ? reference === wanted : reference.split('/')[1] === wanted
}

function numberOf(value: unknown): unknown {
  return isJsonObject(value) ? value['value'] : value
}

/** In thousandths, so that half of the last of two decimals is a whole number. */
function compareNumber(prefix: string, value: unknown, wanted: string): boolean {
  if (typeof value !== 'number') return false
  const at = value * 1000
  const to = Math.round(Number(wanted) * 1000)
  const isEqual = at >= to - 5 && at < to + 5
  switch (prefix) {
    case 'ne':
      return !isEqual
    case 'gt':
    case 'sa':
      return value > Number(wanted)
    case 'lt':
    case 'eb':
      return value < Number(wanted)
    case 'ge':
      return value >= Number(wanted)
    case 'le':
      return value <= Number(wanted)
    default:
      return isEqual
  }
}
