import type { ResourceReference } from '@flatfhir/protocol'
import { type Criterion, invalidValue, unsupportedModifier } from './criterion.ts'
import { type ElementPath, parseElementPath, someAt, type ValueTest } from './element-path.ts'
import { compileFhirPath } from './fhirpath-values.ts'
import type { JsonObject } from './json.ts'
import type { SearchParameterRow, SearchParameterType } from './search-parameter-row.ts'
import { splitEscaped } from './split-escaped.ts'
import { dateTest } from './values/date.ts'
import { numberTest, quantityTest } from './values/quantity.ts'
import { onlyTo, referenceTest } from './values/reference.ts'
import { stringTest } from './values/string.ts'
import { tokenTest } from './values/token.ts'
import { uriTest } from './values/uri.ts'

/** What the tests of all parameters of a search share. */
export interface TestOptions {
  readonly baseUrl: string | undefined
  readonly resolve: ((reference: ResourceReference) => JsonObject | undefined) | undefined
}

/** One parameter with its values, and the row that says what it looks at. */
export interface ParameterUse {
  readonly row: SearchParameterRow
  readonly criterion: Criterion
  readonly options: TestOptions
}

/** Whether a resource is what one parameter asks for. */
export type ResourceTest = (resource: JsonObject) => boolean

const PLAIN_ONLY: ReadonlySet<SearchParameterType> = new Set([
  'composite',
  'date',
  'number',
  'quantity',
])

/**
 * A test for what one parameter asks for; chained parameters have a test of their own.
 *
 * @throws {@link SearchInvalidError} and {@link SearchUnsupportedError}.
 */
export function parameterTest(use: ParameterUse): ResourceTest {
  const { row, criterion } = use
  if (criterion.modifier === 'missing') return missingTest(use)
  if (criterion.modifier !== undefined && PLAIN_ONLY.has(row.type)) {
    throw unsupportedModifier(criterion)
  }
  if (row.components !== undefined) return onResource(compositeTest(use))
  const isFound = valueTest(use, (path) => elementTest({ ...use, type: row.type, path }))
  if (isFound === undefined) throw unsupportedModifier(criterion)
  // Of a resource without any value it is true as well that the code is not there.
  if (row.type === 'token' && criterion.modifier === 'not') return (resource) => !isFound(resource)
  return isFound
}

/** A test that is passed when some value that the parameter looks at passes its element's test. */
export function valueTest(
  { row }: Pick<ParameterUse, 'row'>,
  makeTest: (path: ElementPath) => ValueTest | undefined,
): ResourceTest | undefined {
  if (row.result !== undefined) {
    const test = makeTest(parseElementPath(`:${row.result}`))
    const read = compileFhirPath(row.expression)
    return test && ((resource) => read(resource).some((value) => test(value, resource)))
  }
  const test = anyPath(row.paths ?? [], makeTest)
  return test && onResource(test)
}

function anyPath(
  paths: readonly string[],
  makeTest: (path: ElementPath) => ValueTest | undefined,
): ValueTest | undefined {
  const tests: ValueTest[] = []
  for (const path of paths.map(parseElementPath)) {
    const test = makeTest(path)
    if (test !== undefined) tests.push(someAt(path, onlyTo(path.target, test)))
  }
  const [first] = tests
  if (first === undefined || tests.length === 1) return first
  return (value, resource) => tests.some((test) => test(value, resource))
}

function onResource(test: ValueTest): ResourceTest {
  return (resource) => test(resource, resource)
}

/** `:missing=true` and `:missing=false`. */
function missingTest({ row, criterion }: ParameterUse): ResourceTest {
  const [wanted, ...more] = criterion.values
  if (more.length > 0 || (wanted !== 'true' && wanted !== 'false')) {
    throw invalidValue(criterion, 'true or false')
  }
  const isThere =
    row.bases === undefined
      ? valueTest({ row }, () => () => true)
      : onResource(anyBase(row, () => () => true))
  const isMissing = wanted === 'true'
  return (resource) => (isThere?.(resource) ?? false) !== isMissing
}

interface ElementUse extends ParameterUse {
  readonly type: SearchParameterType
  readonly path: ElementPath
}

function elementTest(use: ElementUse): ValueTest | undefined {
  const { type, path, criterion, options, row } = use
  switch (type) {
    case 'date':
      return dateTest(criterion, path.type)
    case 'number':
      return numberTest(criterion, path.type)
    case 'quantity':
      return quantityTest(criterion, path.type)
    case 'reference':
      return referenceTest(criterion, path, { baseUrl: options.baseUrl, targets: row.targets })
    case 'string':
      return stringTest(criterion, path.type)
    case 'token':
      return tokenTest(criterion, path)
    case 'uri':
      return uriTest(criterion, path.type)
    case 'composite':
    case 'special':
      return undefined
  }
}

/** `part$part`: all parts have to match within one and the same element. */
function compositeTest(use: ParameterUse): ValueTest {
  const { row, criterion } = use
  const types = (row.components ?? []).map(({ type }) => type)
  const alternatives = criterion.values.map((value) => {
    const parts = splitEscaped(value, '$')
    if (parts.length !== types.length || parts.includes('')) {
      throw invalidValue(criterion, `${types.length} parts with $ between them`)
    }
    return anyBase(row, (path, index) => {
      const part = { ...criterion, values: [parts[index] ?? ''] }
      const type = types[index] ?? 'special'
      return elementTest({ ...use, criterion: part, type, path })
    })
  })
  return (value, resource) => alternatives.some((test) => test(value, resource))
}

/** A test that is passed when in some element all parts of a composite pass theirs. */
function anyBase(
  row: SearchParameterRow,
  makeTest: (path: ElementPath, index: number) => ValueTest | undefined,
): ValueTest {
  const tests = (row.bases ?? []).flatMap((base) => {
    const parts = base.components.map((paths, index) =>
      anyPath(paths, (path) => makeTest(path, index)),
    )
    const known = parts.filter((part) => part !== undefined)
    if (known.length < parts.length) return []
    const isWhole: ValueTest = (value, resource) => known.every((part) => part(value, resource))
    return [someAt(parseElementPath(base.path), isWhole)]
  })
  return (value, resource) => tests.some((test) => test(value, resource))
}
