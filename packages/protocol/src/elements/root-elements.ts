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
const namesByType = new Map<ResourceType, ReadonlyMap<string, string>>()
let anyNames: ReadonlyMap<string, string> | undefined

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
  const known = namesByType.get(type)
  if (known !== undefined) return known.get(written)
  const names = new Map(rootElements(type).flatMap(spellings))
  namesByType.set(type, names)
  return names.get(written)
}

/**
 * As {@link rootElementName}, in any type.
 *
 * @returns The name as the types that have it call it; where one type's plain element is another's
 *   choice, the name as written.
 */
export function anyRootElementName(written: string): string | undefined {
  anyNames ??= namesOfAllTypes()
  return anyNames.get(written)
}

function namesOfAllTypes(): ReadonlyMap<string, string> {
  const elements = RESOURCE_TYPES.flatMap(rootElements)
  // Plain names last, so that they win.
  return new Map([
    ...elements.flatMap(spellings),
    ...elements.map(({ name }) => [name, name] as const),
  ])
}

/** Every way to write an element, with its name. */
function spellings({ name, jsonNames }: RootElement): readonly (readonly [string, string])[] {
  const isChoice = jsonNames[0] !== name
  const written = isChoice ? [name, name + CHOICE_SUFFIX, ...jsonNames] : [name]
  return written.map((one) => [one, name])
}

function readElement(text: string): RootElement {
  const [marked = '', types] = text.split(':')
  const isMandatory = marked.endsWith('!')
  const name = isMandatory ? marked.slice(0, -1) : marked
  const jsonNames = types === undefined ? [name] : types.split(',').map((type) => name + type)
  return { name, isMandatory, jsonNames }
}
