import {
  isResourceType,
  RESOURCE_TYPES,
  type ResourceReference,
  type ResourceType,
} from '@flatfhir/protocol'
import { type Criterion, unsupportedModifier } from './criterion.ts'
import { SearchUnsupportedError, shownName } from './errors.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { findParameter } from './parameter-table.ts'
import { parameterTest, type ResourceTest, type TestOptions, valueTest } from './parameter-test.ts'
import { type QueryLimits, readParameter, readQuery } from './query.ts'
import { containedIn, localTarget } from './reference-target.ts'
import type { SearchParameterRow } from './search-parameter-row.ts'
import type { ValueTest } from './element-path.ts'

/** How a search is compiled. */
export interface CompileSearchOptions extends QueryLimits {
  /**
   * What happens to parameters and modifiers that are not supported: `strict` throws, `lenient`
   * leaves them out and reports them, so that the search finds more than was asked for. Where a
   * search protects something, as a scope does, it has to be strict.
   *
   * @defaultValue 'strict'
   */
  readonly handling?: 'lenient' | 'strict'
  /**
   * Finds the resource that a reference names, for chained parameters (`subject.name=…`). It is
   * called while `matches` runs, for every reference, so it should remember what it found. Without
   * it chained parameters are not supported.
   */
  readonly resolve?: (reference: ResourceReference) => JsonObject | undefined
  /** Base URL of this server: absolute references that begin with it count as its own. */
  readonly baseUrl?: string
  /**
   * Against what `ap` (approximately) measures dates. Give the same instant again when the search is
   * compiled again for the same job.
   *
   * @defaultValue now
   */
  readonly now?: Date
}

/** A parameter that lenient handling left out. */
export interface IgnoredSearchParameter {
  /** As written, with its modifier. */
  readonly parameter: string
  /** One sentence; never quotes a value. */
  readonly reason: string
}

/** A search of one resource type, ready to be asked about any number of resources. */
export interface CompiledSearch {
  readonly type: ResourceType
  /** Empty unless handling is lenient. */
  readonly ignored: readonly IgnoredSearchParameter[]
  /** Whether matching looks at other resources, through `resolve`. */
  readonly isChained: boolean
  /** Whether a parsed resource is of the type and meets all criteria. Never throws. */
  matches(resource: JsonObject): boolean
}

/** Change how many results come, or in which order and form. */
const RESULT_PARAMETERS: ReadonlySet<string> = new Set([
  '_contained',
  '_containedType',
  '_count',
  '_elements',
  '_format',
  '_include',
  '_maxresults',
  '_offset',
  '_page',
  '_pretty',
  '_revinclude',
  '_score',
  '_sort',
  '_summary',
  '_total',
])
const ANY_RESOURCE: ResourceTest = () => true

/**
 * Compiles a search of one type. Its parameters are joined by "and", the values of each, with
 * commas between them, by "or".
 *
 * @param type - The resource type that is searched.
 * @param query - What stands after the question mark, for example `status=final&date=ge2020`.
 * @throws {@link SearchInvalidError} when the query cannot be read.
 * @throws {@link SearchUnsupportedError} when it holds what is not supported and handling is strict.
 * @see {@link https://hl7.org/fhir/R4/search.html | FHIR R4: Search}
 *
 * @example
 * ```ts
 * const search = compileSearch('Observation', 'category=laboratory&date=ge2020')
 * const lines = resources.filter((resource) => search.matches(resource))
 * ```
 */
export function compileSearch(
  type: ResourceType,
  query: string,
  options: CompileSearchOptions = {},
): CompiledSearch {
  const criteria = readQuery({ type, query }, options.now ?? new Date(), options)
  const ignored: IgnoredSearchParameter[] = []
  const isLenient = options.handling === 'lenient'
  // Chains last: they cost most, and are only followed for what passes the rest.
  const ordered = [...criteria].sort((a, b) => Number(isChain(a)) - Number(isChain(b)))
  const tests = ordered.flatMap((criterion) => {
    try {
      return [criterionTest(criterion, type, testOptions(options))]
    } catch (error) {
      if (!isLenient || !(error instanceof SearchUnsupportedError)) throw error
      ignored.push({ parameter: shownName(criterion.written), reason: error.message })
      return []
    }
  })
  const isMatch = everyTest(tests)
  return {
    type,
    ignored,
    isChained: criteria.some((one) => isChain(one) && !isIgnored(one, ignored)),
    matches: (resource) => resource['resourceType'] === type && isMatch(resource),
  }
}

function testOptions({ baseUrl, resolve }: CompileSearchOptions): TestOptions {
  const withSlash = baseUrl === undefined || baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  return { baseUrl: withSlash, resolve }
}

function isChain({ chain }: Criterion): boolean {
  return chain !== undefined
}

function isIgnored({ written }: Criterion, ignored: readonly IgnoredSearchParameter[]): boolean {
  return ignored.some(({ parameter }) => parameter === shownName(written))
}

function everyTest(tests: readonly ResourceTest[]): ResourceTest {
  const [first, second] = tests
  if (first === undefined) return ANY_RESOURCE
  if (second === undefined) return first
  return (resource) => tests.every((test) => test(resource))
}

function criterionTest(
  criterion: Criterion,
  type: ResourceType,
  options: TestOptions,
): ResourceTest {
  if (RESULT_PARAMETERS.has(criterion.name)) throw resultParameter(criterion)
  const row = findParameter(type, criterion.name)
  if (row === undefined) throw unsupportedParameter(criterion)
  if (isChain(criterion)) return chainTest({ row, criterion, options })
  return parameterTest({ row, criterion, options })
}

/** `subject.name=…` and `subject:Patient.name=…`: one step to what a reference leads to. */
function chainTest(use: {
  readonly row: SearchParameterRow
  readonly criterion: Criterion
  readonly options: TestOptions
}): ResourceTest {
  const { row, criterion, options } = use
  const { resolve, baseUrl } = options
  if (row.type !== 'reference' || resolve === undefined) throw unsupportedChain(criterion)
  const tests = targetTests(use)
  const leadsToMatch: ValueTest = (value, resource) => {
    const target = follow(value, resource, (reference) => {
      const local = localTarget(reference, baseUrl)
      return local !== undefined && tests.has(local.type) ? resolve(local) : undefined
    })
    const type = target?.['resourceType']
    if (target === undefined || typeof type !== 'string') return false
    return tests.get(type)?.(target) ?? false
  }
  const test = valueTest({ row }, ({ type }) => (type === 'Reference' ? leadsToMatch : undefined))
  if (test === undefined) throw unsupportedChain(criterion)
  return test
}

function follow(
  value: unknown,
  resource: JsonObject,
  resolve: (reference: JsonObject) => JsonObject | undefined,
): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined
  const { reference } = value
  if (typeof reference !== 'string' || !reference.startsWith('#')) return resolve(value)
  return containedIn(resource, reference.slice(1))
}

/** The test of the chained parameter, for every type that the reference leads to and that knows it. */
function targetTests({
  row,
  criterion,
  options,
}: {
  readonly row: SearchParameterRow
  readonly criterion: Criterion
  readonly options: TestOptions
}): ReadonlyMap<string, ResourceTest> {
  const { written, values, now, chain = '' } = criterion
  const chained = readParameter({ type: criterion.type, written, values, now })
  const sub = readParameter({ ...chained, written: chain })
  if (sub.chain !== undefined) throw unsupportedChain(criterion)
  const tests = new Map<string, ResourceTest>()
  for (const type of targetTypes(row, criterion)) {
    const found = findParameter(type, sub.name)
    if (found === undefined) continue
    tests.set(type, parameterTest({ row: found, criterion: { ...sub, type, written }, options }))
  }
  if (tests.size === 0) throw unsupportedParameter(criterion)
  return tests
}

function targetTypes(row: SearchParameterRow, criterion: Criterion): readonly ResourceType[] {
  const all = row.targets?.filter(isResourceType) ?? RESOURCE_TYPES
  if (criterion.modifier === undefined) return all
  const wanted = all.filter((type) => type === criterion.modifier)
  if (wanted.length === 0) throw unsupportedModifier(criterion)
  return wanted
}

function resultParameter({ type, written }: Criterion): SearchUnsupportedError {
  const parameter = shownName(written)
  return new SearchUnsupportedError(
    `Search result parameter ${parameter} cannot be a criterion of ${type}`,
    { type, parameter },
    'Leave it out: a filter says which resources come, not how.',
  )
}

function unsupportedParameter({ type, written }: Criterion): SearchUnsupportedError {
  const parameter = shownName(written)
  return new SearchUnsupportedError(
    `Search parameter ${parameter} of ${type} is not supported`,
    { type, parameter },
    'Use one that the CapabilityStatement lists, or filter the files after download.',
  )
}

function unsupportedChain({ type, written }: Criterion): SearchUnsupportedError {
  const parameter = shownName(written)
  return new SearchUnsupportedError(
    `Chained search parameter ${parameter} of ${type} is not supported here`,
    { type, parameter },
    'Chain one step from a reference to a parameter of what it leads to, or filter after download.',
  )
}
