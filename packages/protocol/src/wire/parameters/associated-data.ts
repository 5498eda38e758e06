import { RequestInvalidError } from '../../errors.ts'
import type { AssociatedData } from '../../kick-off-parameters.ts'
import { listEntries, passOver, shown, type DecodeContext } from './decode-context.ts'

/** Code system of the IG's values of `includeAssociatedData`. */
export const ASSOCIATED_DATA_SYSTEM =
  'http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data'

/** The values of `includeAssociatedData` that the IG defines. */
export const ASSOCIATED_DATA: ReadonlySet<AssociatedData> = new Set<AssociatedData>([
  'LatestProvenanceResources',
  'RelevantProvenanceResources',
])

const NEXT_STEP =
  'Leave includeAssociatedData out, or ask for one of the values that are supported.'
const CUSTOM = /^_[A-Za-z0-9._-]{1,64}$/

/**
 * Reads `includeAssociatedData`: a code up to STU3, a Coding in STU4, here as `system|code`. A system
 * that is not the IG's may only go with a value of a provider's own, which begins with `_`.
 */
export function decodeAssociatedData(
  texts: readonly string[],
  context: DecodeContext,
): readonly AssociatedData[] | undefined {
  const supported = context.support.associatedData ?? ASSOCIATED_DATA
  const values = listEntries('includeAssociatedData', texts, context).map(associatedDataOf)
  const known = values.filter((value) => value !== undefined && supported.has(value))
  if (known.length < values.length) {
    const named = values.filter((value) => value !== undefined && !supported.has(value))
    const reason = `includeAssociatedData has a value that is not supported${shown(named as string[])}`
    passOver({ name: 'includeAssociatedData', reason, nextStep: NEXT_STEP }, context)
  }
  return known.length === 0 ? undefined : ([...new Set(known)] as AssociatedData[])
}

function associatedDataOf(text: string): AssociatedData | undefined {
  const bar = text.lastIndexOf('|')
  const system = text.slice(0, Math.max(0, bar))
  const code = text.slice(bar + 1)
  if (code === '') {
    throw new RequestInvalidError('value', 'includeAssociatedData has no code', {
      nextStep: NEXT_STEP,
    })
  }
  if (CUSTOM.test(code)) return code as AssociatedData
  const isOfIg = system === '' || system === ASSOCIATED_DATA_SYSTEM
  return isOfIg && ASSOCIATED_DATA.has(code as AssociatedData)
    ? (code as AssociatedData)
    : undefined
}
