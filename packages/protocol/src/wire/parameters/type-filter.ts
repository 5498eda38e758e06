import { RequestInvalidError } from '../../errors.ts'
import { RESOURCE_TYPES } from '../../generated/resource-types.ts'
import type { TypeFilter } from '../../kick-off-parameters.ts'
import { isResourceType } from '../../resource-type.ts'
import { passOver, shown, type DecodeContext } from './decode-context.ts'

/**
 * A comma between two queries. In STU1 and STU2 queries are encoded one by one and joined with
 * commas; in STU3 a value is one query, whose commas mean "or". Decoded, the two can be told apart by
 * what follows: a query begins with a resource type and `?`, which no search value does. After a
 * backslash a comma belongs to a value, in whatever edition.
 */
const BETWEEN_QUERIES = new RegExp(
  String.raw`(?<!\\),\s*(?=(?:${RESOURCE_TYPES.join('|')})(?:\?|%3[Ff]))`,
)
const QUERY = /^([A-Za-z]+)\?(.*)$/s

/**
 * Reads `_typeFilter`. What the queries say is for the search to judge, but each must be about the
 * resources of one type (SHALL): `?…`, `Patient/1/Observation?…` and the like are refused.
 */
export function decodeTypeFilters(
  texts: readonly string[],
  context: DecodeContext,
): readonly TypeFilter[] | undefined {
  const filters: TypeFilter[] = []
  const unknown: string[] = []
  for (const query of new Set(texts.flatMap((text) => queriesIn(text, context)))) {
    const [, type = '', criteria = ''] = QUERY.exec(query) ?? []
    if (type === '') throw notOneType()
    if (isResourceType(type)) filters.push({ type, query: criteria })
    else unknown.push(type)
  }
  if (unknown.length > 0) passOverTypes(unknown, context)
  return filters.length === 0 ? undefined : filters
}

function queriesIn(text: string, { edition }: DecodeContext): readonly string[] {
  if (edition === 'stu4') return [text]
  return text.split(BETWEEN_QUERIES).map((query) => withoutEncoding(query.trimStart()))
}

/** A query that was encoded on its own, and then once more with the rest of the request. */
function withoutEncoding(query: string): string {
  if (query.includes('?') || !/%3F/i.test(query)) return query
  try {
    return decodeURIComponent(query)
  } catch {
    throw new RequestInvalidError('value', '_typeFilter is not percent-encoded correctly', {
      nextStep: 'Percent-encode each query of _typeFilter once.',
    })
  }
}

function passOverTypes(unknown: readonly string[], context: DecodeContext): void {
  const reason = `_typeFilter names a resource type that FHIR R4 does not have${shown(unknown)}`
  const nextStep = 'Begin each query with a resource type of FHIR R4 and a question mark.'
  passOver({ name: '_typeFilter', reason, nextStep }, context)
}

function notOneType(): RequestInvalidError {
  return new RequestInvalidError(
    'value',
    '_typeFilter is not a search query of one resource type',
    {
      nextStep:
        'Write a resource type, a question mark and criteria, as in Encounter?status=planned.',
    },
  )
}
