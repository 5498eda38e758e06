import type { ResourceType } from '@flatfhir/protocol'
import { compileSearch, type CompileSearchOptions } from '../src/compile-search.ts'
import type { JsonObject } from '../src/json.ts'

/** The ids of the resources that a search finds, in their order. */
export function matching(
  search: string,
  resources: readonly JsonObject[],
  options: CompileSearchOptions = {},
): readonly unknown[] {
  const mark = search.indexOf('?')
  const type = search.slice(0, mark) as ResourceType
  const compiled = compileSearch(type, search.slice(mark + 1), options)
  return resources.filter((one) => compiled.matches(one)).map((one) => one['id'])
}

/** What a function throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
