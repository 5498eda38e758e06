import type { Database } from '../database.ts'

/** A row of `node`. */
export interface Node {
  readonly node: number
  /** The newest version, a tombstone included; `null` while it was only referred to. */
  readonly currentKey: number | null
}

const MAX_REMEMBERED = 200_000

/** Numbers for everything with a type and an id, whether it was written or only referred to. */
export class NodeTable {
  readonly #find
  readonly #insert
  readonly #point
  readonly #current
  // Node numbers never change and rows are never removed, so only a rollback makes this wrong.
  readonly #remembered = new Map<string, number>()

  constructor(database: Database) {
    this.#find = database.prepare(
      'SELECT node, current_key AS currentKey FROM node WHERE type = ? AND id = ?',
    )
    this.#insert = database.prepare('INSERT INTO node (type, id, current_key) VALUES (?, ?, ?)')
    this.#current = database.prepare('SELECT current_key AS key FROM node WHERE node = ?')
    this.#point = database.prepare('UPDATE node SET current_key = ? WHERE node = ?')
  }

  find(code: number, id: string): Node | undefined {
    return this.#find.get(code, id) as Node | undefined
  }

  /** Adds a node for a resource that is being written for the first time. */
  add(code: number, id: string, currentKey: number): number {
    return Number(this.#insert.run(code, id, currentKey).lastInsertRowid)
  }

  /** The newest version of a node that was written. */
  currentKeyOf(node: number): number {
    const row = this.#current.get(node) as { key: number | null } | undefined
    if (row === undefined || row.key === null)
      throw new RangeError(`The database has no version of node ${node}`)
    return row.key
  }

  setCurrent(node: number, key: number): void {
    this.#point.run(key, node)
  }

  /** The number of something that is referred to, whether or not it exists. */
  numberOf(code: number, id: string): number {
    const name = `${code}/${id}`
    const remembered = this.#remembered.get(name)
    if (remembered !== undefined) return remembered
    const node =
      this.find(code, id)?.node ?? Number(this.#insert.run(code, id, null).lastInsertRowid)
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(name, node)
    return node
  }

  /** To be called after a rollback. */
  forget(): void {
    this.#remembered.clear()
  }
}
