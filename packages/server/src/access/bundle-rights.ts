import type { Interaction } from '@flatfhir/auth'
import {
  isResourceType,
  readBundleText,
  type BundleRequest,
  type ResourceType,
} from '@flatfhir/protocol'
import { mayUseGroup, type Rights } from './rights.ts'

/** The first entry of a Bundle that must not be carried out, and why. */
export type BundleFault =
  | { readonly entry: number; readonly reason: 'not-understood' | 'group-not-allowed' }
  | {
      readonly entry: number
      readonly reason: 'insufficient-scope'
      readonly interaction: Interaction
      readonly type: ResourceType
    }

const INTERACTION_OF_METHOD: ReadonlyMap<string, Interaction> = new Map([
  ['POST', 'c'],
  ['PUT', 'u'],
  ['DELETE', 'd'],
])

/**
 * Looks for an entry of a batch or transaction that the sender has no right to. One is enough to
 * refuse the whole Bundle; an entry whose request is not understood here is refused too, because
 * a store might understand it.
 *
 * @throws `ResourceInvalidError` when the text is not a Bundle.
 */
export function bundleFault(body: Uint8Array, rights: Rights): BundleFault | undefined {
  for (const [entry, { request }] of readBundleText(body).entries.entries()) {
    const fault = entryFault(request, rights)
    if (fault !== undefined) return { entry, ...fault }
  }
  return undefined
}

type EntryFault = BundleFault extends infer Fault
  ? Fault extends BundleFault
    ? Omit<Fault, 'entry'>
    : never
  : never

function entryFault(request: BundleRequest | undefined, rights: Rights): EntryFault | undefined {
  const interaction = INTERACTION_OF_METHOD.get(request?.method ?? '')
  const [type = '', id, ...rest] = (request?.url ?? '').split('/')
  if (interaction === undefined || !isResourceType(type) || rest.length > 0) {
    return { reason: 'not-understood' }
  }
  if (!rights.mayDo(interaction, type)) return { reason: 'insufficient-scope', interaction, type }
  const isOpen = type !== 'Group' || id === undefined || mayUseGroup(rights, id)
  return isOpen ? undefined : { reason: 'group-not-allowed' }
}
