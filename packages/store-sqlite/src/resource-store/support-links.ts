import type { Database } from '../database.ts'
import { NEVER } from './keys.ts'

/**
 * Counts, per owner, how many current versions refer to a resource of a supporting type, with the
 * time from when to when there was one. Changes are gathered and written once a transaction: the
 * resources of one patient refer to the same few others again and again.
 */
export class SupportLinks {
  readonly #changes = new Map<number, Map<number, number>>()
  readonly #use
  readonly #open
  readonly #close

  constructor(database: Database) {
    this.#use = database.prepare(
      `UPDATE support_link SET uses = uses + ?
       WHERE owner = ? AND target = ? AND to_seq = ${NEVER} RETURNING uses`,
    )
    this.#open = database.prepare(
      `INSERT INTO support_link (owner, target, from_seq, to_seq, uses)
       VALUES (?, ?, ?, ${NEVER}, ?)`,
    )
    this.#close = database.prepare(
      `UPDATE support_link SET to_seq = ? WHERE owner = ? AND target = ? AND to_seq = ${NEVER}`,
    )
  }

  /** Notes that `change` more, or fewer, versions of the owner refer to the target. */
  count(owner: number, target: number, change: 1 | -1): void {
    let targets = this.#changes.get(owner)
    if (targets === undefined) this.#changes.set(owner, (targets = new Map<number, number>()))
    targets.set(target, (targets.get(target) ?? 0) + change)
  }

  /** Writes what was noted, as of `sequence`. */
  flush(sequence: number): void {
    for (const [owner, targets] of this.#changes) {
      for (const [target, change] of targets) {
        if (change !== 0) this.#apply({ owner, target, change }, sequence)
      }
    }
    this.#changes.clear()
  }

  /** To be called after a rollback. */
  forget(): void {
    this.#changes.clear()
  }

  #apply(
    { owner, target, change }: { owner: number; target: number; change: number },
    sequence: number,
  ): void {
    const row = this.#use.get(change, owner, target) as { uses: number } | undefined
    if (row === undefined) this.#open.run(owner, target, sequence, change)
    else if (row.uses <= 0) this.#close.run(sequence, owner, target)
  }
}
