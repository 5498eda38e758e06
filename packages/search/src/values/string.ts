import { type Criterion, unsupportedModifier } from '../criterion.ts'
import type { ValueTest } from '../element-path.ts'
import { isJsonObject } from '../json.ts'
import { unescapeValue } from '../split-escaped.ts'

const ACCENTS = /\p{M}/gu
/** Below U+0080 lower case is all there is to fold. */
const BEYOND_ASCII = /[^\0-\x7f]/

/** The elements that are looked at in types that are made of several texts. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Address', ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country']],
  ['HumanName', ['text', 'family', 'given', 'prefix', 'suffix']],
])

/** The element types that strings can be searched in. */
export const STRING_ELEMENT_TYPES: ReadonlySet<string> = new Set([
  'markdown',
  'string',
  ...PARTS.keys(),
])

/**
 * A test for texts that begin with a value, whatever the case and the accents; `:contains` looks
 * anywhere, `:exact` wants the very same text.
 *
 * @throws {@link SearchUnsupportedError} for any other modifier.
 * @see {@link https://hl7.org/fhir/R4/search.html#string | FHIR R4: String}
 */
export function stringTest(criterion: Criterion, elementType: string): ValueTest | undefined {
  const isText = textTest(criterion)
  if (!STRING_ELEMENT_TYPES.has(elementType)) return undefined
  const parts = PARTS.get(elementType)
  if (parts === undefined) return (value) => typeof value === 'string' && isText(value)
  return (value) => isJsonObject(value) && parts.some((part) => someText(value[part], isText))
}

function textTest(criterion: Criterion): (text: string) => boolean {
  const values = criterion.values.map(unescapeValue)
  const folded = values.map(fold)
  switch (criterion.modifier) {
    case undefined:
      return startsWithAny(folded)
    case 'contains':
      return (text) => {
        const where = fold(text)
        return folded.some((value) => where.includes(value))
      }
    case 'exact':
      return (text) => values.includes(text)
    default:
      throw unsupportedModifier(criterion)
  }
}

/** A test for texts that begin with one of some folded values. */
export function startsWithAny(folded: readonly string[]): (text: string) => boolean {
  return (text) => {
    const where = fold(text)
    return folded.some((value) => where.startsWith(value))
  }
}

/** The text without case and accents. */
export function fold(text: string): string {
  const plain = BEYOND_ASCII.test(text) ? text.normalize('NFKD').replace(ACCENTS, '') : text
  return plain.toLowerCase()
}

function someText(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value)
  return Array.isArray(value) && value.some((one) => typeof one === 'string' && test(one))
}
