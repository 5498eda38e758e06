import { isResourceType, type ResourceType } from '@flatfhir/protocol'
import type { Criterion } from './criterion.ts'
import { SearchInvalidError, shownName } from './errors.ts'
import { splitEscaped } from './split-escaped.ts'

/** How much one search may ask for. */
export interface QueryLimits {
  /**
   * Longest query, in UTF-16 code units, percent signs and all.
   *
   * @defaultValue 65536
   */
  readonly maxQueryLength?: number
  /**
   * Most parameters in one query.
   *
   * @defaultValue 64
   */
  readonly maxParameters?: number
  /**
   * Most alternatives of one parameter.
   *
   * @defaultValue 2000
   */
  readonly maxValues?: number
}

const DEFAULT_LIMITS = { maxQueryLength: 65_536, maxParameters: 64, maxValues: 2000 }

/** A `_typeFilter`, or another search of one type, cut into its two halves. */
export interface TypeFilter {
  readonly type: ResourceType
  /** What stands after the question mark, as written. */
  readonly query: string
}

const NEXT_STEP =
  'Write one resource type, a question mark and its criteria: Observation?code=1234-5'

/**
 * Cuts `Observation?category=laboratory` in two. A search without criteria (`Observation`) is one
 * for everything of its type.
 *
 * The context has to be a single resource type: a search over all types or in a compartment SHALL
 * NOT be used as a `_typeFilter`.
 *
 * @throws {@link SearchInvalidError} for any other context.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-query-parameter | Bulk Data: _typeFilter}
 */
export function parseTypeFilter(text: string): TypeFilter {
  const mark = text.indexOf('?')
  const type = mark === -1 ? text : text.slice(0, mark)
  if (!isResourceType(type)) throw invalidContext(type)
  return { type, query: mark === -1 ? '' : text.slice(mark + 1) }
}

/**
 * Cuts a list of filters at the commas between them: until STU2 one `_typeFilter` could hold several.
 * A comma is between two filters where a resource type and a question mark follow it; all others are
 * part of a filter.
 */
export function splitTypeFilters(text: string): readonly string[] {
  const filters: string[] = []
  for (const part of splitEscaped(text, ',')) {
    const mark = part.indexOf('?')
    const isBegin = filters.length === 0 || (mark !== -1 && isResourceType(part.slice(0, mark)))
    if (isBegin) filters.push(part)
    else filters.push(`${filters.pop() ?? ''},${part}`)
  }
  return filters
}

function invalidContext(context: string): SearchInvalidError {
  const place = { type: undefined, parameter: undefined }
  if (context === '') {
    return new SearchInvalidError('A search over all resource types is no filter', place, NEXT_STEP)
  }
  if (/[/,]/.test(context)) {
    const message = 'A filter has to search one resource type, not a compartment or several types'
    return new SearchInvalidError(message, place, NEXT_STEP)
  }
  const message = `${shownName(context)} is not a resource type of FHIR R4`
  return new SearchInvalidError(message, place, NEXT_STEP)
}

/**
 * Reads a query into its parameters. Percent signs are decoded; a plus sign is a space, except
 * before the time zone of a date. Escapes with backslashes stay in the values.
 *
 * @throws {@link SearchInvalidError} when the query is too long, cannot be decoded, or has a
 *   parameter without a value.
 */
export function readQuery(
  { type, query }: TypeFilter,
  now: Date,
  limits: QueryLimits,
): readonly Criterion[] {
  const { maxQueryLength, maxParameters, maxValues } = { ...DEFAULT_LIMITS, ...limits }
  if (query.length > maxQueryLength) throw tooMuch(type, `longer than ${maxQueryLength} characters`)
  const pairs = query.split('&').filter((pair) => pair !== '')
  if (pairs.length > maxParameters) throw tooMuch(type, `of more than ${maxParameters} parameters`)
  return pairs.map((pair) => {
    const equals = pair.indexOf('=')
    const written = decode(equals === -1 ? pair : pair.slice(0, equals), type)
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1), type)
    const criterion = readParameter({ type, written, values: splitEscaped(value, ','), now })
    if (criterion.values.includes('')) throw withoutValue(criterion)
    if (criterion.values.length > maxValues) throw tooMuch(type, `of more than ${maxValues} values`)
    return criterion
  })
}

/** Takes the name of a parameter apart: `name`, `name:modifier` or `name:Type.chained`. */
export function readParameter(
  parts: Pick<Criterion, 'type' | 'written' | 'values' | 'now'>,
): Criterion {
  const dot = parts.written.indexOf('.')
  const head = dot === -1 ? parts.written : parts.written.slice(0, dot)
  const colon = head.indexOf(':')
  return {
    ...parts,
    name: colon === -1 ? head : head.slice(0, colon),
    modifier: colon === -1 ? undefined : head.slice(colon + 1),
    chain: dot === -1 ? undefined : parts.written.slice(dot + 1),
  }
}

/**
 * Before a date's time zone: a plus sign there was meant, whether the client escaped it (and it was
 * decoded with the rest of the request), left it as it is, or had it turned into a space on the way.
 */
const ZONE_PLUS =
  /(T\d{2}(?::|%3A)\d{2}(?:(?::|%3A)\d{2}(?:\.\d{1,9})?)?)[+ ](?=\d{2}(?::|%3A)\d{2}(?!\d))/gi

function decode(text: string, type: ResourceType): string {
  try {
    return decodeURIComponent(text.replace(ZONE_PLUS, '$1%2B').replaceAll('+', ' '))
  } catch {
    throw new SearchInvalidError(
      `The search of ${type} has a percent sign that no two hexadecimal digits follow`,
      { type, parameter: undefined },
      'Write a percent sign in a search as %25.',
    )
  }
}

function withoutValue({ type, written }: Criterion): SearchInvalidError {
  const parameter = shownName(written)
  return new SearchInvalidError(
    `Search parameter ${parameter} of ${type} has an empty value`,
    { type, parameter },
    'Give it a value, or leave it out. A comma that is part of a value is written as \\,',
  )
}

function tooMuch(type: ResourceType, what: string): SearchInvalidError {
  const message = `The search of ${type} is ${what}`
  const nextStep = 'Make several filters of it: filters of one type are joined by "or".'
  return new SearchInvalidError(message, { type, parameter: undefined }, nextStep)
}
