import { type Criterion, invalidValue, unsupportedModifier } from '../criterion.ts'
import type { ElementPath, ValueTest } from '../element-path.ts'
import { isJsonObject } from '../json.ts'
import { splitEscaped, unescapeValue } from '../split-escaped.ts'
import { fold, startsWithAny } from './string.ts'
import { readTokens, type TokenSet } from './token-set.ts'

const BOOLEAN_SYSTEM = 'http://terminology.hl7.org/CodeSystem/special-values'

/** Ids and URIs are compared as they are; of codes it is often unknown whether case matters. */
const EXACT_TYPES: ReadonlySet<string> = new Set(['id', 'uri'])
const PLAIN_TYPES: ReadonlySet<string> = new Set(['boolean', 'code', 'id', 'string', 'uri'])

type TokenTest = (value: unknown, tokens: TokenSet) => boolean

const OBJECT_TESTS: ReadonlyMap<string, TokenTest> = new Map<string, TokenTest>([
  ['CodeableConcept', isConcept],
  ['Coding', isCoding],
  ['ContactPoint', isContactPoint],
  ['Identifier', isIdentifier],
])

/** The element types that tokens can be searched in. */
export const TOKEN_ELEMENT_TYPES: ReadonlySet<string> = new Set([
  ...PLAIN_TYPES,
  ...OBJECT_TESTS.keys(),
])

/**
 * A test for codes, identifiers, contact points and booleans. `:text` searches the words beside the
 * code, `:of-type` identifiers as `system|code|value`. The caller turns `:not` around.
 *
 * Codes are compared without case, as the standard advises where it is unknown whether case
 * matters; systems, ids and URIs are compared exactly.
 *
 * @throws {@link SearchInvalidError} when a value is not a token.
 * @throws {@link SearchUnsupportedError} for any other modifier.
 * @see {@link https://hl7.org/fhir/R4/search.html#token | FHIR R4: Token}
 */
export function tokenTest(criterion: Criterion, path: ElementPath): ValueTest | undefined {
  switch (criterion.modifier) {
    case undefined:
    case 'not':
      return plainTest(criterion, path)
    case 'text':
      return wordsTest(criterion, path.type)
    case 'of-type':
      return identifierOfTypeTest(criterion, path.type)
    default:
      throw unsupportedModifier(criterion)
  }
}

function plainTest(criterion: Criterion, { type, systems }: ElementPath): ValueTest | undefined {
  const isExact = EXACT_TYPES.has(type)
  const tokens = readTokens(criterion, isExact ? (code) => code : (code) => code.toLowerCase())
  const test = OBJECT_TESTS.get(type)
  if (test !== undefined) return (value) => test(value, tokens)
  if (!PLAIN_TYPES.has(type)) return undefined
  const implied = type === 'boolean' ? [BOOLEAN_SYSTEM] : systems
  return (value) => isCode(value, implied, tokens)
}

/** A code without a system beside it, in whichever system its binding implies. */
function isCode(value: unknown, implied: readonly string[], tokens: TokenSet): boolean {
  if (typeof value !== 'string' && typeof value !== 'boolean') return false
  const code = String(value)
  if (implied.length === 0) return tokens.has(undefined, code)
  return implied.some((system) => tokens.has(system, code) || tokens.hasSystem(system))
}

function isConcept(value: unknown, tokens: TokenSet): boolean {
  if (!isJsonObject(value)) return false
  const { coding } = value
  return Array.isArray(coding) && coding.some((one) => isCoding(one, tokens))
}

function isCoding(value: unknown, tokens: TokenSet): boolean {
  return isJsonObject(value) && isPair(value['system'], value['code'], tokens)
}

function isIdentifier(value: unknown, tokens: TokenSet): boolean {
  return isJsonObject(value) && isPair(value['system'], value['value'], tokens)
}

/** Contact points have no code system: only the value counts. */
function isContactPoint(value: unknown, tokens: TokenSet): boolean {
  return isJsonObject(value) && isPair(undefined, value['value'], tokens)
}

function isPair(system: unknown, code: unknown, tokens: TokenSet): boolean {
  const known = typeof system === 'string' && system !== '' ? system : undefined
  if (typeof code === 'string' && tokens.has(known, code)) return true
  return tokens.hasSystem(known)
}

/** `:text` reads like a string search. */
function wordsTest(criterion: Criterion, type: string): ValueTest | undefined {
  const test = startsWithAny(criterion.values.map((value) => fold(unescapeValue(value))))
  const isText = (value: unknown): boolean => typeof value === 'string' && test(value)
  const isCodingText: ValueTest = (value) => isJsonObject(value) && isText(value['display'])
  const isConceptText: ValueTest = (value, resource) => {
    if (!isJsonObject(value)) return false
    const { coding, text } = value
    if (isText(text)) return true
    return Array.isArray(coding) && coding.some((one) => isCodingText(one, resource))
  }
  switch (type) {
    case 'CodeableConcept':
      return isConceptText
    case 'Coding':
      return isCodingText
    case 'Identifier':
      return (value, resource) => isJsonObject(value) && isConceptText(value['type'], resource)
    default:
      return undefined
  }
}

function identifierOfTypeTest(criterion: Criterion, type: string): ValueTest | undefined {
  const wanted = criterion.values.map((value) => {
    const parts = splitEscaped(value, '|').map(unescapeValue)
    const [system = '', code = '', identifier = ''] = parts
    if (parts.length !== 3 || parts.includes('')) {
      throw invalidValue(criterion, 'system|code|value')
    }
    return { system, code, identifier: identifier.toLowerCase() }
  })
  if (type !== 'Identifier') return undefined
  return (value) =>
    isJsonObject(value) &&
    wanted.some(
      ({ system, code, identifier }) =>
        typeof value['value'] === 'string' &&
        value['value'].toLowerCase() === identifier &&
        hasCoding(value['type'], system, code),
    )
}

function hasCoding(concept: unknown, system: string, code: string): boolean {
  if (!isJsonObject(concept) || !Array.isArray(concept['coding'])) return false
  return concept['coding'].some(
    (one) => isJsonObject(one) && one['system'] === system && one['code'] === code,
  )
}
