import type { Database } from '../database.ts'
import { NEVER, sequenceOf } from './keys.ts'
import { SplitRosters } from './split-rosters.ts'

/** A row of `version`, without its body. */
export interface VersionRow {
  readonly key: number
  readonly node: number
  readonly version: number
  /** See `schema.ts`. */
  readonly patient: number | null
  /** 0 for a tombstone. */
  readonly bytes: number
  /** The key that the content was written with, where that is another one. */
  readonly statedKey: number | null
}

/** Versions of resources: bodies and tombstones. */
export class VersionTable {
  /** Texts of what is too large for one body. */
  readonly rosters: SplitRosters
  readonly #insert
  readonly #supersede
  readonly #row
  readonly #body
  readonly #writtenAt

  constructor(database: Database) {
    this.rosters = new SplitRosters(database)
    this.#insert = database.prepare(
      `INSERT INTO version (key, node, version, superseded_seq, patient, bytes, stated_key, body)
       VALUES (?, ?, ?, ${NEVER}, ?, ?, ?, ?)`,
    )
    this.#supersede = database.prepare('UPDATE version SET superseded_seq = ? WHERE key = ?')
    this.#row = database.prepare(
      `SELECT key, node, version, patient, bytes, stated_key AS statedKey
       FROM version WHERE key = ?`,
    )
    this.#body = database.prepare('SELECT node, bytes, body FROM version WHERE key = ?')
    this.#writtenAt = database.prepare(
      `SELECT written_at AS writtenAt FROM write_log WHERE last_sequence >= ?
       ORDER BY last_sequence LIMIT 1`,
    )
  }

  /**
   * `body` is `null` for a tombstone.
   *
   * @param bytes - Of the whole text, where the roster's pieces are not in `body`.
   */
  insert(
    row: Omit<VersionRow, 'bytes'>,
    body: Uint8Array | null,
    bytes: number = body?.length ?? 0,
  ): void {
    const { key, node, version, patient, statedKey } = row
    this.#insert.run(key, node, version, patient, bytes, statedKey, body)
  }

  supersede(key: number, sequence: number): void {
    this.#supersede.run(sequence, key)
  }

  get(key: number): VersionRow {
    const row = this.#row.get(key) as VersionRow | undefined
    if (row === undefined) throw new RangeError(`The database has no version ${key}`)
    return row
  }

  /** The whole text of a version. */
  body(key: number): Uint8Array {
    const row = this.#bodyRow(key)
    const shell = row?.body ?? new Uint8Array(0)
    const isSplit = row !== undefined && shell.length < row.bytes && this.rosters.isSplit(key)
    return isSplit ? this.rosters.join(shell, { key, node: row.node }) : shell
  }

  /** The text of a version without the roster's pieces that are stored apart. */
  shell(key: number): Uint8Array {
    return this.#bodyRow(key)?.body ?? new Uint8Array(0)
  }

  #bodyRow(key: number): { node: number; bytes: number; body: Uint8Array | null } | undefined {
    return this.#body.get(key) as
      { node: number; bytes: number; body: Uint8Array | null } | undefined
  }

  /** The instant of the transaction that wrote a version's content, once it has ended. */
  writtenAt({ key, statedKey }: Pick<VersionRow, 'key' | 'statedKey'>): number {
    const row = this.#writtenAt.get(sequenceOf(statedKey ?? key)) as
      { writtenAt: number } | undefined
    if (row === undefined) throw new RangeError(`The database has no transaction of version ${key}`)
    return row.writtenAt
  }
}
