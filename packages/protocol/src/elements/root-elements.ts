import { RESOURCE_ELEMENTS } from '../generated/resource-elements.ts'
import { RESOURCE_TYPES, type ResourceType } from '../generated/resource-types.ts'

/** One root element of a resource type. */
export interface RootElement {
  /** Without `[x]`, for example `value`. */
  readonly name: string
  readonly isMandatory: boolean
  /** The names that it may have in JSON: more than one for a choice (`valueString`, …). */
  readonly jsonNames: readonly string[]
}

const CHOICE_SUFFIX = '[x]'

const byType = new Map<ResourceType, readonly RootElement[]>()
let allNames: ReadonlySet<string> | undefined

/** The root elements that FHIR R4 defines for a type, inherited ones included, in their order. */
export function rootElements(type: ResourceType): readonly RootElement[] {
  const known = byType.get(type)
  if (known !== undefined) return known
  const elements = RESOURCE_ELEMENTS[type].split(' ').map(readElement)
  byType.set(type, elements)
  return elements
}

/**
 * The name of the root element that `written` means in a type: `value`, `value[x]` and
 * `valueQuantity` all mean `value`.
 *
 * @returns `undefined` where the type has no such element.
 */
export function rootElementName(type: ResourceType, written: string): string | undefined {
  const found = rootElements(type).find(
    ({ name, jsonNames }) =>
      name === written ||
      jsonNames.includes(written) ||
      (jsonNames.length > 1 && `${name}${CHOICE_SUFFIX}` === written),
  )
  return found?.name
}

/**
 * As {@link rootElementName}, in any type.
 *
 * @returns The name as the types that have it call it; where one type's plain element is another's
 *   choice, the name as written.
 */
export function anyRootElementName(written: string): string | undefined {
  allNames ??= new Set(RESOURCE_TYPES.flatMap((type) => rootElements(type).map(({ name }) => name)))
  if (allNames.has(written)) return written
  for (const type of RESOURCE_TYPES) {
    const name = rootElementName(type, written)
    if (name !== undefined) return name
  }
  return undefined
}

function readElement(text: string): RootElement {
  const [marked = '', types] = text.split(':')
  const isMandatory = marked.endsWith('!')
  const name = isMandatory ? marked.slice(0, -1) : marked
  const jsonNames = types === undefined ? [name] : types.split(',').map((type) => name + type)
  return { name, isMandatory, jsonNames }
}
