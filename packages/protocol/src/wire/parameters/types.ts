import { RequestInvalidError } from '../../errors.ts'
import type { ResourceType } from '../../generated/resource-types.ts'
import { isResourceType } from '../../resource-type.ts'
import { listEntries, passOver, shown, type DecodeContext } from './decode-context.ts'

const NEXT_STEP = 'Name resource types of FHIR R4, spelled with their capital letters.'

/** Reads `_type`. Where nothing known is left, the export would be of everything: that is refused. */
export function decodeTypes(
  texts: readonly string[],
  context: DecodeContext,
): readonly ResourceType[] {
  const names = listEntries('_type', texts, context)
  const types = names.filter(isResourceType)
  if (types.length === names.length) return types
  const unknown = names.filter((name) => !isResourceType(name))
  const reason = `_type names a resource type that FHIR R4 does not have${shown(unknown)}`
  if (types.length === 0) {
    throw new RequestInvalidError('not-supported', reason, { nextStep: NEXT_STEP })
  }
  passOver({ name: '_type', reason, nextStep: NEXT_STEP }, context)
  return types
}
