import type { ResourceType } from '../generated/resource-types.ts'
import { isResourceType } from '../resource-type.ts'
import { rootElements, type RootElement } from './root-elements.ts'

/** One entry of `_elements`: a root element of one type, or of all types that have it. */
export interface ElementSelector {
  /** Absent for all types. */
  readonly type?: ResourceType
  /** Name of a root element, without `[x]`. */
  readonly element: string
}

/** What stays of resources under `_elements`; made once for an export. */
export interface ElementSelection {
  /**
   * The names of the JSON members that stay in a resource of the type, with those for extensions of
   * primitives (`_birthDate`).
   */
  namesFor(type: string): ReadonlySet<string>
}

/** What no resource is without: it says what the resource is and how it is to be read. */
const ALWAYS = ['resourceType', 'id', 'meta', 'implicitRules', 'modifierExtension'] as const

/**
 * Makes the selection that a list of selectors stands for.
 *
 * Kept are the selected elements, the mandatory ones of the type (SHOULD), and what identifies the
 * resource or may change its meaning: `id`, `meta`, `implicitRules`, `modifierExtension`. A type that
 * no selector speaks of keeps no more than these: what is not listed is to be left out (SHOULD).
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: Query Parameters, _elements}
 */
export function elementSelection(selectors: readonly ElementSelector[]): ElementSelection {
  const byType = new Map<string, ReadonlySet<string>>()
  return {
    namesFor(type): ReadonlySet<string> {
      const known = byType.get(type)
      if (known !== undefined) return known
      const names = namesKept(type, selectors)
      // Only types of R4 are remembered: others may be any text.
      if (isResourceType(type)) byType.set(type, names)
      return names
    },
  }
}

function namesKept(type: string, selectors: readonly ElementSelector[]): ReadonlySet<string> {
  const wanted = new Set(
    selectors.filter((selector) => (selector.type ?? type) === type).map(({ element }) => element),
  )
  const isKept = ({ name, isMandatory }: RootElement): boolean => isMandatory || wanted.has(name)
  const elements = isResourceType(type) ? rootElements(type).filter(isKept) : []
  const names = [...ALWAYS, ...elements.flatMap(({ jsonNames }) => jsonNames)]
  return new Set([...names, ...names.map((name) => `_${name}`)])
}
