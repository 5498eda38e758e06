import type { Interaction, RegisteredClient, ScopeSet } from '@flatfhir/auth'
import { RESOURCE_TYPES, type ResourceType } from '@flatfhir/protocol'

/** What the sender of one request may do. */
export interface Rights {
  /** SMART's interactions over REST: create, read, update, delete, search. */
  mayDo(interaction: Interaction, type: ResourceType): boolean
  /** Whether resources of the type may be in an export and in a file. */
  mayExport(type: ResourceType): boolean
  /**
   * FHIR searches without `?`, one of which every exported resource of the type has to meet, sorted.
   *
   * @returns `undefined` where all of the type may be exported, or nothing of it.
   */
  exportConstraints(type: ResourceType): readonly string[] | undefined
  /** Ids of the Groups that may be read, changed and exported; `'all'` of them. */
  readonly groups: readonly string[] | 'all'
}

/** While nobody has to log in, everybody may do everything. */
export const EVERY_RIGHT: Rights = {
  mayDo: () => true,
  mayExport: () => true,
  exportConstraints: () => undefined,
  groups: 'all',
}

/** What a token allows: the scopes that were granted, and the Groups of the registration. */
export function clientRights({ groups }: RegisteredClient, scopes: ScopeSet): Rights {
  const allows: Readonly<Record<Interaction, (type: string) => boolean>> = {
    c: (type) => scopes.canCreate(type),
    r: (type) => scopes.canRead(type),
    u: (type) => scopes.canUpdate(type),
    d: (type) => scopes.canDelete(type),
    s: (type) => scopes.canSearch(type),
  }
  const hasEveryGroup = groups.includes('*')
  return {
    mayDo: (interaction, type) => allows[interaction](type),
    // The roster of a Group names people; a file of Groups has the rosters of all of them.
    mayExport: (type) => scopes.canExport(type) && (type !== 'Group' || hasEveryGroup),
    exportConstraints: (type) => scopes.exportConstraints(type),
    groups: hasEveryGroup ? 'all' : groups,
  }
}

/** Whether one Group may be read, changed and exported, as far as it is not a matter of scopes. */
export function mayUseGroup({ groups }: Rights, groupId: string): boolean {
  return groups === 'all' || groups.includes(groupId)
}

/** Whether nothing that can be written is out of bounds. */
export function mayWriteEverything(rights: Rights): boolean {
  if (rights.groups !== 'all') return false
  return (['c', 'u', 'd'] as const).every((interaction) =>
    RESOURCE_TYPES.every((type) => rights.mayDo(interaction, type)),
  )
}
