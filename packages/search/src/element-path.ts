import { type JsonObject, isJsonObject } from './json.ts'

/** Whether one value found in a resource is what was searched for. */
export type ValueTest = (value: unknown, resource: JsonObject) => boolean

/** Where values stand in a resource, and what type they have; see `SearchParameterRow.paths`. */
export interface ElementPath {
  readonly steps: readonly PathStep[]
  /** Type of the values, for example `CodeableConcept`. */
  readonly type: string
  /** The path begins at the resource, even within a composite. */
  readonly fromResource: boolean
  /** Code systems implied by the binding of a `code`. */
  readonly systems: readonly string[]
  /** Only references to this type count. */
  readonly target: string | undefined
}

/** One property, and what its value must hold to count. */
export interface PathStep {
  readonly property: string
  readonly condition: { readonly property: string; readonly value: string } | undefined
}

const STEP = /^(\w+)(?:\[(\w+)=([\w-]+)\])?$/

/**
 * Reads one path of the generated table.
 *
 * @throws TypeError when it is not written as the table's paths are.
 */
export function parseElementPath(text: string): ElementPath {
  const colon = text.indexOf(':')
  const fromResource = text.startsWith('%')
  const path = text.slice(fromResource ? 1 : 0, colon === -1 ? undefined : colon)
  const [typeAndTarget = '', systems = ''] = splitAt(colon === -1 ? '' : text.slice(colon + 1), '@')
  const [type = '', target] = splitAt(typeAndTarget, '>')
  return {
    steps: path === '' ? [] : path.split('.').map(parseStep),
    type,
    fromResource,
    systems: systems === '' ? [] : systems.split(' '),
    target,
  }
}

function splitAt(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator)
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

function parseStep(text: string): PathStep {
  const match = STEP.exec(text)
  if (match === null) throw new TypeError('A path of the search parameter table cannot be read')
  const [, property = '', name, value = ''] = match
  return { property, condition: name === undefined ? undefined : { property: name, value } }
}

/** A test that is passed by an object when some value at the path below it passes `test`. */
export function someAt(path: ElementPath, test: ValueTest): ValueTest {
  const below = path.steps.reduceRight<ValueTest>((next, step) => descend(step, next), test)
  return path.fromResource ? (_value, resource) => below(resource, resource) : below
}

function descend({ property, condition }: PathStep, next: ValueTest): ValueTest {
  const wanted = condition === undefined ? next : where(condition, next)
  return (value, resource) => {
    if (!isJsonObject(value)) return false
    const child = value[property]
    if (child === undefined || child === null) return false
    if (!Array.isArray(child)) return wanted(child, resource)
    // A plain loop: this runs for every element of every resource of an export.
    for (const item of child as readonly unknown[]) {
      if (item !== null && wanted(item, resource)) return true
    }
    return false
  }
}

function where(condition: { property: string; value: string }, next: ValueTest): ValueTest {
  return (value, resource) =>
    isJsonObject(value) && value[condition.property] === condition.value && next(value, resource)
}

/** All values at a path below an object. */
export function valuesAt(path: ElementPath, resource: JsonObject): readonly unknown[] {
  const values: unknown[] = []
  const collect: ValueTest = (value) => {
    values.push(value)
    return false
  }
  someAt(path, collect)(resource, resource)
  return values
}
