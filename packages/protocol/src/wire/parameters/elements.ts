import { RequestInvalidError } from '../../errors.ts'
import type { ElementSelector } from '../../elements/element-selection.ts'
import { anyRootElementName, rootElementName } from '../../elements/root-elements.ts'
import { isResourceType } from '../../resource-type.ts'
import { listEntries, passOver, shown, type DecodeContext } from './decode-context.ts'

const NEXT_STEP =
  'Name root elements of FHIR R4, such as birthDate, or with their type, such as Patient.birthDate.'

/**
 * Reads `_elements`: `element` or `Type.element`, of root elements only. Where nothing known is left,
 * the resources would be emptied: that is refused.
 */
export function decodeElements(
  texts: readonly string[],
  context: DecodeContext,
): readonly ElementSelector[] {
  const selectors = new Map<string, ElementSelector>()
  const unknown: string[] = []
  for (const entry of listEntries('_elements', texts, context)) {
    const selector = selectorOf(entry)
    if (selector === undefined) unknown.push(entry)
    else selectors.set(`${selector.type ?? ''}.${selector.element}`, selector)
  }
  if (unknown.length === 0) return [...selectors.values()]
  const reason = `_elements names an element that FHIR R4 does not have${shown(unknown)}`
  if (selectors.size === 0) {
    throw new RequestInvalidError('not-supported', reason, { nextStep: NEXT_STEP })
  }
  passOver({ name: '_elements', reason, nextStep: NEXT_STEP }, context)
  return [...selectors.values()]
}

function selectorOf(entry: string): ElementSelector | undefined {
  const [first = '', second, ...deeper] = entry.split('.')
  const isTyped = isResourceType(first)
  if (deeper.length > 0 || (second !== undefined && !isTyped && /^[a-z]/.test(first))) {
    throw new RequestInvalidError('value', '_elements may name root elements only', {
      nextStep: NEXT_STEP,
    })
  }
  if (second === undefined) {
    const element = anyRootElementName(first)
    return element === undefined ? undefined : { element }
  }
  const element = isTyped ? rootElementName(first, second) : undefined
  return isTyped && element !== undefined ? { type: first, element } : undefined
}
