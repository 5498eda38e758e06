import { isResourceId } from '@flatfhir/protocol'
import type { SearchIdentifier, SearchQuery } from '../resource-store.ts'
import { badRequest, type RequestRefusedError } from './request-refused-error.ts'
import type { PageSizes } from './route.ts'

/** What a search on one type asks for. */
export interface DecodedSearch {
  readonly query: SearchQuery
  /** `_count=0`: only the total is asked for. */
  readonly isCountOnly: boolean
  /** What was acted upon, for the `self` link. */
  readonly understood: URLSearchParams
}

/** How a search is decoded. */
export interface SearchDecoding extends PageSizes {
  readonly type: SearchQuery['type']
  /** `Prefer: handling=lenient`: unknown parameters are ignored. */
  readonly lenient: boolean
}

/** A search while its parameters are read. */
interface Draft {
  readonly criteria: Partial<Pick<SearchQuery, 'ids' | 'identifiers' | 'names'>>
  readonly count?: number
}

/** The search parameters that there are, and what each adds to the search. */
const PARAMETERS: Readonly<Record<string, (value: string) => Draft>> = {
  _id: (value) => ({ criteria: { ids: idsOf(value) } }),
  identifier: (value) => ({
    criteria: { identifiers: requireFew(splitOn(value, ',')).map(identifierOf) },
  }),
  name: (value) => ({ criteria: { names: valuesOf('name', value) } }),
  _count: (value) => ({ criteria: {}, count: countOf(value) }),
  // Looked at with the Accept header.
  _format: () => ({ criteria: {} }),
}

/**
 * Reads the parameters of a search on Group or Patient.
 *
 * @throws RequestRefusedError with 400 that names the parameter at fault, never its value.
 * @see {@link https://hl7.org/fhir/R4/search.html | FHIR R4: Search}
 */
export function decodeSearch(parameters: URLSearchParams, decoding: SearchDecoding): DecodedSearch {
  const understood = new URLSearchParams()
  let draft: Draft = { criteria: {} }
  for (const [name, value] of parameters) {
    const read = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (read === undefined) {
      if (decoding.lenient) continue
      throw badRequest(`Search parameter ${printable(name)} is not supported`, 'not-supported')
    }
    if (understood.has(name)) {
      throw badRequest(`Search parameter ${name} can be given once`, 'not-supported')
    }
    understood.append(name, value)
    const added = read(value)
    draft = { ...draft, ...added, criteria: { ...draft.criteria, ...added.criteria } }
  }
  return decoded(draft, understood, decoding)
}

function decoded(
  { criteria, count }: Draft,
  understood: URLSearchParams,
  { type, defaultPageSize, maxPageSize }: SearchDecoding,
): DecodedSearch {
  const pageSize = Math.max(1, Math.min(count ?? defaultPageSize, maxPageSize))
  return { query: { type, ...criteria, pageSize }, isCountOnly: count === 0, understood }
}

/** A name that the client made up is repeated only where it looks like the name of a parameter. */
function printable(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(name) ? name : 'with an unusual name'
}

function idsOf(value: string): string[] {
  const ids = valuesOf('_id', value)
  if (!ids.every(isResourceId)) throw invalid('_id')
  return ids
}

function countOf(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid('_count')
  return Number(value)
}

function valuesOf(name: string, value: string): string[] {
  const values = requireFew(splitOn(value, ',')).map(unescaped)
  if (values.some((each) => each.trim() === '')) throw invalid(name)
  return values
}

function identifierOf(token: string): SearchIdentifier {
  const [first = '', second, ...rest] = splitOn(token, '|').map(unescaped)
  if (rest.length > 0 || (first === '' && (second ?? '') === '')) throw invalid('identifier')
  if (second === undefined) return { system: undefined, value: first }
  return { system: first, value: second === '' ? undefined : second }
}

function invalid(name: string): RequestRefusedError {
  return badRequest(`Search parameter ${name} has a value that it cannot have`)
}

/** More values than any person names, and fewer than a database takes offence at. */
const MAX_VALUES = 500

function requireFew(values: readonly string[]): readonly string[] {
  if (values.length <= MAX_VALUES) return values
  throw badRequest(`A search parameter has at most ${MAX_VALUES} values`, 'too-costly')
}

/** Splits where the separator is not escaped by a backslash; escapes stay. */
function splitOn(value: string, separator: ',' | '|'): string[] {
  const pieces = ['']
  for (let index = 0; index < value.length; index += 1) {
    const character = value.charAt(index)
    if (character === separator) pieces.push('')
    else if (character === '\\') pieces.push((pieces.pop() ?? '') + value.slice(index, ++index + 1))
    else pieces.push((pieces.pop() ?? '') + character)
  }
  return pieces
}

function unescaped(value: string): string {
  return value.replaceAll(/\\([\\,|$])/g, '$1')
}
