import { type Criterion, unsupportedModifier } from '../criterion.ts'
import type { ValueTest } from '../element-path.ts'
import { unescapeValue } from '../split-escaped.ts'

/** The element types that URIs can be searched in. */
export const URI_ELEMENT_TYPES: ReadonlySet<string> = new Set(['canonical', 'uri', 'url'])

/**
 * A test for the very same URI; `:below` takes all that begin with the value, `:above` all that the
 * value begins with.
 *
 * @throws {@link SearchUnsupportedError} for any other modifier.
 * @see {@link https://hl7.org/fhir/R4/search.html#uri | FHIR R4: Uri}
 */
export function uriTest(criterion: Criterion, elementType: string): ValueTest | undefined {
  const isUri = comparison(criterion)
  if (!URI_ELEMENT_TYPES.has(elementType)) return undefined
  if (elementType !== 'canonical') return (value) => typeof value === 'string' && isUri(value)
  return (value) => typeof value === 'string' && (isUri(value) || isUri(withoutVersion(value)))
}

/** A canonical URL is found with its version and without. */
export function withoutVersion(canonical: string): string {
  const version = canonical.indexOf('|')
  return version === -1 ? canonical : canonical.slice(0, version)
}

function comparison(criterion: Criterion): (uri: string) => boolean {
  const values = criterion.values.map(unescapeValue)
  switch (criterion.modifier) {
    case undefined:
      return (uri) => values.includes(uri)
    case 'below':
      return (uri) => values.some((value) => uri.startsWith(value))
    case 'above':
      return (uri) => uri !== '' && values.some((value) => value.startsWith(uri))
    default:
      throw unsupportedModifier(criterion)
  }
}
