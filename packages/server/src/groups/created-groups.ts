import type { ResourceStore } from '../resource-store.ts'

/**
 * Which Groups each client created, and may use therefore. Asked for every request, so it is read
 * once per client and then kept up to date: only one process serves a store.
 */
export class CreatedGroups {
  readonly #resources: Pick<ResourceStore, 'groupsCreatedBy'>
  readonly #known = new Map<string, Promise<Set<string>>>()

  constructor(resources: Pick<ResourceStore, 'groupsCreatedBy'>) {
    this.#resources = resources
  }

  /** Ids of the Groups that a client created. */
  async of(clientId: string): Promise<ReadonlySet<string>> {
    const known = this.#known.get(clientId)
    if (known !== undefined) return await known
    const reading = this.#resources.groupsCreatedBy(clientId).then((ids) => new Set(ids))
    this.#known.set(clientId, reading)
    try {
      return await reading
    } catch (error) {
      this.#known.delete(clientId)
      throw error
    }
  }

  /** To be told of every Group that a client created. */
  async note(clientId: string, groupId: string): Promise<void> {
    const known = await this.#known.get(clientId)
    known?.add(groupId)
  }
}
