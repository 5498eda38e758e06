import type { Database } from '../database.ts'
import { SEGMENT_KEYS } from './schema.ts'

/** Sums of what is stored by ranges of keys, written once a transaction. */
export class Segments {
  readonly #changes = new Map<number, { versions: number; bytes: number }>()
  readonly #add

  constructor(database: Database) {
    this.#add = database.prepare(
      `INSERT INTO segment (segment, versions, bytes) VALUES (?, ?, ?)
       ON CONFLICT (segment) DO UPDATE
       SET versions = versions + excluded.versions, bytes = bytes + excluded.bytes`,
    )
  }

  count(key: number, bytes: number): void {
    const segment = Math.floor(key / SEGMENT_KEYS)
    const change = this.#changes.get(segment)
    if (change === undefined) this.#changes.set(segment, { versions: 1, bytes })
    else {
      change.versions += 1
      change.bytes += bytes
    }
  }

  flush(): void {
    for (const [segment, { versions, bytes }] of this.#changes) {
      this.#add.run(segment, versions, bytes)
    }
    this.#changes.clear()
  }

  /** To be called after a rollback. */
  forget(): void {
    this.#changes.clear()
  }
}
