import {
  parseSystemScope,
  splitScopes,
  type Interaction,
  type SystemScope,
} from './system-scope.ts'

/**
 * What a set of granted scopes allows.
 *
 * Only unconstrained scopes count: a constrained one allows a part of a type, and no answer here
 * may be wider than what was granted. They are kept in {@link ScopeSet.scopes}.
 */
export class ScopeSet {
  /** All of them, constrained ones too. */
  readonly scopes: readonly SystemScope[]
  readonly #interactions = new Map<string, Set<Interaction>>()

  constructor(scopes: readonly SystemScope[]) {
    this.scopes = scopes
    for (const { type, interactions, constraints } of scopes) {
      if (constraints.length > 0) continue
      const before = this.#interactions.get(type) ?? []
      this.#interactions.set(type, new Set([...before, ...interactions]))
    }
  }

  /** Reads scopes as a token carries them; what is not a `system/` scope allows nothing. */
  static parse(text: string): ScopeSet {
    const parsed = splitScopes(text).map(parseSystemScope)
    return new ScopeSet(parsed.flatMap((result) => (result.ok ? [result.scope] : [])))
  }

  /** By id: `r`. */
  canRead(type: string): boolean {
    return this.#allows(type, 'r')
  }

  canSearch(type: string): boolean {
    return this.#allows(type, 's')
  }

  canCreate(type: string): boolean {
    return this.#allows(type, 'c')
  }

  canUpdate(type: string): boolean {
    return this.#allows(type, 'u')
  }

  canDelete(type: string): boolean {
    return this.#allows(type, 'd')
  }

  /**
   * Whether resources of a type may be in an export, and in a file that is downloaded.
   *
   * Needs `r` and `s`: an export lists every resource of a type (a search) and hands out each one
   * (a read). That is `.read` in v1 and `.rs` in v2, the two that the Bulk Data IG names.
   */
  canExport(type: string): boolean {
    return this.canRead(type) && this.canSearch(type)
  }

  /**
   * The types of `types` that an export may hold, in their order.
   *
   * @param types - All types of the store, or the ones a request names.
   */
  readableTypes<Type extends string>(types: readonly Type[]): readonly Type[] {
    return types.filter((type) => this.canExport(type))
  }

  #allows(type: string, interaction: Interaction): boolean {
    const ofType = this.#interactions.get(type)?.has(interaction) ?? false
    return ofType || (this.#interactions.get('*')?.has(interaction) ?? false)
  }
}
