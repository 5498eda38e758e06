import { isResourceId, isResourceType, parseReference } from '@flatfhir/protocol'
import { type Criterion, invalidValue, unsupportedModifier } from '../criterion.ts'
import type { ElementPath, ValueTest } from '../element-path.ts'
import { isJsonObject } from '../json.ts'
import { localTarget, relativeTo, targetType } from '../reference-target.ts'
import { unescapeValue } from '../split-escaped.ts'
import { tokenTest } from './token.ts'
import { withoutVersion } from './uri.ts'

const HISTORY = '/_history/'
const URL_TYPES: ReadonlySet<string> = new Set(['canonical', 'uri'])
const EXPECTED = 'an id, Type/id or an absolute URL'

/** The element types that references can be searched in. */
export const REFERENCE_ELEMENT_TYPES: ReadonlySet<string> = new Set([
  'Reference',
  'Resource',
  ...URL_TYPES,
])

/** What a reference has to lead to, one of these. */
interface SearchedTargets {
  readonly ids: ReadonlySet<string>
  /** `Type/id`. */
  readonly keys: ReadonlySet<string>
  readonly urls: ReadonlySet<string>
}

/** How references are read, beside what was searched for. */
export interface ReferenceOptions {
  /** What absolute URLs of this server begin with, a slash at its end. */
  readonly baseUrl: string | undefined
  /** Types that the parameter leads to; `undefined` for any. */
  readonly targets: readonly string[] | undefined
}

/**
 * A test for references by id, `Type/id` or URL, of whatever version. `:Type` narrows ids to a type,
 * `:identifier` searches `Reference.identifier` as tokens.
 *
 * @throws {@link SearchInvalidError} when a value is not a reference.
 * @throws {@link SearchUnsupportedError} for any other modifier, or a type that it never leads to.
 * @see {@link https://hl7.org/fhir/R4/search.html#reference | FHIR R4: Reference}
 */
export function referenceTest(
  criterion: Criterion,
  path: ElementPath,
  options: ReferenceOptions,
): ValueTest | undefined {
  if (criterion.modifier === 'identifier') return identifierTest(criterion, path)
  const searched = readTargets(criterion, options)
  if (URL_TYPES.has(path.type)) return (value) => isUrl(value, searched.urls)
  if (path.type === 'Resource') return (value) => isResource(value, searched)
  if (path.type !== 'Reference') return undefined
  return (value) => isReferenceTo(value, searched, options.baseUrl)
}

/** Lets a test see only references to one type, as `where(resolve() is Type)` asks. */
export function onlyTo(target: string | undefined, test: ValueTest): ValueTest {
  if (target === undefined) return test
  return (value, resource) => targetType(value, resource) === target && test(value, resource)
}

function readTargets(criterion: Criterion, options: ReferenceOptions): SearchedTargets {
  const type = typeModifier(criterion, options.targets)
  const ids = new Set<string>()
  const keys = new Set<string>()
  const urls = new Set<string>()
  for (const value of criterion.values.map(unescapeValue)) {
    const target = parseReference(relativeTo(value, options.baseUrl))
    if (target !== undefined) {
      if (type !== undefined && target.type !== type) throw invalidValue(criterion, `a ${type}`)
      keys.add(`${target.type}/${target.id}`)
    } else if (isResourceId(value)) {
      if (type === undefined) ids.add(value)
      else keys.add(`${type}/${value}`)
    } else if (type !== undefined || !value.includes(':')) throw invalidValue(criterion, EXPECTED)
    urls.add(value)
  }
  return { ids, keys, urls }
}

function typeModifier(
  criterion: Criterion,
  targets: readonly string[] | undefined,
): string | undefined {
  const { modifier } = criterion
  if (modifier === undefined) return undefined
  const isTarget = isResourceType(modifier) && (targets?.includes(modifier) ?? true)
  if (!isTarget) throw unsupportedModifier(criterion)
  return modifier
}

function isReferenceTo(
  value: unknown,
  { ids, keys, urls }: SearchedTargets,
  baseUrl: string | undefined,
): boolean {
  const target = localTarget(value, baseUrl)
  if (target !== undefined) return ids.has(target.id) || keys.has(`${target.type}/${target.id}`)
  const url = isJsonObject(value) ? value['reference'] : undefined
  if (typeof url !== 'string') return false
  const history = url.indexOf(HISTORY)
  return urls.has(url) || (history !== -1 && urls.has(url.slice(0, history)))
}

function isUrl(value: unknown, urls: ReadonlySet<string>): boolean {
  return typeof value === 'string' && (urls.has(value) || urls.has(withoutVersion(value)))
}

function isResource(value: unknown, { ids, keys }: SearchedTargets): boolean {
  if (!isJsonObject(value)) return false
  const { resourceType, id } = value
  if (typeof resourceType !== 'string' || typeof id !== 'string') return false
  return ids.has(id) || keys.has(`${resourceType}/${id}`)
}

function identifierTest(criterion: Criterion, path: ElementPath): ValueTest | undefined {
  const token = tokenTest({ ...criterion, modifier: undefined }, { ...path, type: 'Identifier' })
  if (path.type !== 'Reference' || token === undefined) return undefined
  return (value, resource) => isJsonObject(value) && token(value['identifier'], resource)
}
