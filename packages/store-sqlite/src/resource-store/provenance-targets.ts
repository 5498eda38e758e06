import type { Database } from '../database.ts'

/**
 * Which Provenance is about which resource. A patient's Provenance is what targets something in the
 * patient's compartment, which R4's CompartmentDefinition does not say but the IG asks for.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters | Bulk Data: includeAssociatedData}
 */
export class ProvenanceTargets {
  readonly #add
  readonly #remove
  readonly #currentFor
  readonly #current

  constructor(database: Database) {
    this.#add = database.prepare(
      'INSERT OR IGNORE INTO provenance_target (target, provenance) VALUES (?, ?)',
    )
    this.#remove = database.prepare(
      'DELETE FROM provenance_target WHERE target = ? AND provenance = ?',
    )
    this.#currentFor = database.prepare(
      `SELECT n.current_key AS key FROM provenance_target p JOIN node n ON n.node = p.provenance
       WHERE p.target = ? AND n.current_key IS NOT NULL`,
    )
    this.#current = database.prepare('SELECT current_key AS key FROM node WHERE node = ?')
  }

  add(provenance: number, targets: readonly number[]): void {
    for (const target of targets) this.#add.run(target, provenance)
  }

  remove(provenance: number, target: number): void {
    this.#remove.run(target, provenance)
  }

  /** Keys of the current versions of every Provenance about the target. */
  currentKeysFor(target: number): readonly number[] {
    return (this.#currentFor.all(target) as { key: number }[]).map(({ key }) => key)
  }

  /** Key of the newest version of a node that was written. */
  currentKeyOf(node: number): number | undefined {
    return (this.#current.get(node) as { key: number | null } | undefined)?.key ?? undefined
  }
}
