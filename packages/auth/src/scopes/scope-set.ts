import {
  constraintQuery,
  parseSystemScope,
  splitScopes,
  type Interaction,
  type SystemScope,
} from './system-scope.ts'

/**
 * What a set of granted scopes allows.
 *
 * For single interactions only unconstrained scopes count: a constrained one allows a part of a type,
 * and no answer here may be wider than what was granted. Exports honour constraints: see
 * {@link ScopeSet.exportConstraints}.
 */
export class ScopeSet {
  /** All of them, constrained ones too. */
  readonly scopes: readonly SystemScope[]
  readonly #interactions = new Map<string, Set<Interaction>>()
  /** Searches of scopes that allow an export of a part of a type. */
  readonly #constraints = new Map<string, Set<string>>()

  constructor(scopes: readonly SystemScope[]) {
    this.scopes = scopes
    for (const scope of scopes) {
      const { type, interactions, constraints } = scope
      if (constraints.length > 0) {
        this.#addConstraint(scope)
        continue
      }
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
   * (a read). That is `.read` in v1 and `.rs` in v2, the two that the Bulk Data IG names. With a
   * constrained scope it is those of {@link ScopeSet.exportConstraints}.
   */
  canExport(type: string): boolean {
    return this.#canExportAll(type) || this.#constraints.has(type)
  }

  /**
   * FHIR searches without `?`, one of which every exported resource of a type has to meet, sorted.
   *
   * @returns `undefined` where all resources of the type may be exported, or none.
   */
  exportConstraints(type: string): readonly string[] | undefined {
    if (this.#canExportAll(type)) return undefined
    const queries = this.#constraints.get(type)
    return queries === undefined ? undefined : [...queries].sort()
  }

  /**
   * The types of `types` that an export may hold, in their order.
   *
   * @param types - All types of the store, or the ones a request names.
   */
  readableTypes<Type extends string>(types: readonly Type[]): readonly Type[] {
    return types.filter((type) => this.canExport(type))
  }

  #addConstraint(scope: SystemScope): void {
    const { type, interactions } = scope
    if (!interactions.includes('r') || !interactions.includes('s')) return
    const queries = this.#constraints.get(type) ?? new Set()
    this.#constraints.set(type, queries.add(constraintQuery(scope)))
  }

  #canExportAll(type: string): boolean {
    return this.canRead(type) && this.canSearch(type)
  }

  #allows(type: string, interaction: Interaction): boolean {
    const ofType = this.#interactions.get(type)?.has(interaction) ?? false
    return ofType || (this.#interactions.get('*')?.has(interaction) ?? false)
  }
}
