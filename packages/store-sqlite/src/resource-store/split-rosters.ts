import { createHash, type Hash } from 'node:crypto'
import type { Database } from '../database.ts'
import { elementsOfPiece, joinGroupText, memberPlace } from './group-text-scanner.ts'
import { NEVER, sequenceOf } from './keys.ts'

/** Where a version stands whose members are stored apart. */
export interface SplitVersion {
  readonly key: number
  readonly node: number
}

/** Texts of large rosters, in pieces that each hold from one sequence to another. */
export class SplitRosters {
  readonly #statements
  #hash: Hash | undefined
  #place = 0

  constructor(database: Database) {
    database.exec(
      'CREATE TABLE IF NOT EXISTS temp.fresh_piece (place INTEGER PRIMARY KEY, text INTEGER)',
    )
    database.exec(`CREATE TABLE IF NOT EXISTS temp.fresh_place (
      member INTEGER, place INTEGER, PRIMARY KEY (member, place)) WITHOUT ROWID`)
    const current = `roster = :roster AND to_seq = ${NEVER}`
    this.#statements = {
      clearPieces: database.prepare('DELETE FROM temp.fresh_piece'),
      clearPlaces: database.prepare('DELETE FROM temp.fresh_place'),
      addText: database.prepare('INSERT INTO roster_text (body) VALUES (?)'),
      addPiece: database.prepare('INSERT INTO temp.fresh_piece VALUES (?, ?)'),
      addPlace: database.prepare('INSERT OR IGNORE INTO temp.fresh_place VALUES (?, ?)'),
      end: database.prepare(`UPDATE roster_piece SET to_seq = :sequence WHERE ${current}`),
      endOne: database.prepare(
        `UPDATE roster_piece SET to_seq = :sequence WHERE ${current} AND place = :place`,
      ),
      dropPlaces: database.prepare('DELETE FROM roster_place WHERE roster = ?'),
      dropPlacesOf: database.prepare('DELETE FROM roster_place WHERE roster = ? AND member = ?'),
      openPieces: database.prepare(
        `INSERT INTO roster_piece SELECT :roster, place, :sequence, ${NEVER}, text
         FROM temp.fresh_piece`,
      ),
      openPlaces: database.prepare(
        'INSERT OR IGNORE INTO roster_place SELECT :roster, member, place FROM temp.fresh_place',
      ),
      mark: database.prepare('INSERT INTO split_roster VALUES (?, ?)'),
      digest: database.prepare('SELECT sha256 FROM split_roster WHERE key = ?'),
      size: database.prepare(
        `SELECT count(*) AS pieces, coalesce(sum(length(t.body)), 0) AS bytes,
           coalesce(max(p.place), 0) AS lastPlace
         FROM roster_piece p CROSS JOIN roster_text t ON t.text = p.text WHERE p.${current}`,
      ),
      pieces: database.prepare(
        `SELECT t.body FROM roster_piece p CROSS JOIN roster_text t ON t.text = p.text
         WHERE p.roster = :roster AND p.from_seq <= :sequence AND p.to_seq > :sequence
         ORDER BY p.place`,
      ),
      piece: database.prepare(
        `SELECT t.body FROM roster_piece p CROSS JOIN roster_text t ON t.text = p.text
         WHERE p.${current} AND p.place = :place`,
      ),
      placesOf: database.prepare('SELECT place FROM roster_place WHERE roster = ? AND member = ?'),
    }
  }

  /** Begins a roster that comes piece by piece, in the transaction that ends with its version. */
  begin(): void {
    this.#statements.clearPieces.run()
    this.#statements.clearPlaces.run()
    this.#hash = createHash('sha256')
    this.#place = 0
  }

  /** Takes the next piece; `members` are the node numbers of those who stand in it. */
  add(text: Uint8Array, members: readonly number[]): void {
    this.#place += 1
    this.#hash?.update(this.#place === 1 ? '' : ',').update(text)
    const { lastInsertRowid } = this.#statements.addText.run(text)
    this.#statements.addPiece.run(this.#place, lastInsertRowid)
    for (const member of members) this.#statements.addPlace.run(member, this.#place)
  }

  /** Whether any piece was taken. */
  hasAny(): boolean {
    return this.#place > 0
  }

  /** SHA-256 of the pieces taken, with the commas between them. */
  digest(): string {
    return this.#hash?.copy().digest('hex') ?? ''
  }

  /** Makes the pieces taken those of the version. */
  open({ key, node }: SplitVersion): void {
    const sequence = sequenceOf(key)
    this.#statements.openPieces.run({ roster: node, sequence })
    this.#statements.openPlaces.run({ roster: node })
    this.#statements.mark.run(key, this.digest())
    this.#statements.clearPieces.run()
    this.#statements.clearPlaces.run()
  }

  /** Ends the pieces of a roster, which has none, or others, from `sequence` on. */
  end(roster: number, sequence: number): void {
    this.#statements.end.run({ roster, sequence })
    this.#statements.dropPlaces.run(roster)
  }

  /** Digest of a version's pieces; `undefined` when it has none, or they were changed one by one. */
  digestOf(key: number): string | undefined {
    const row = this.#statements.digest.get(key) as { sha256: string | null } | undefined
    return row?.sha256 ?? undefined
  }

  isSplit(key: number): boolean {
    return this.#statements.digest.get(key) !== undefined
  }

  /** Bytes of the current pieces, with the commas between them. */
  currentBytes(roster: number): number {
    const { pieces, bytes } = this.#size(roster)
    return bytes + Math.max(0, pieces - 1)
  }

  /** The whole text of a version. */
  join(shell: Uint8Array, { key, node }: SplitVersion): Uint8Array {
    const rows = this.#statements.pieces.all({ roster: node, sequence: sequenceOf(key) })
    const pieces = (rows as { body: Uint8Array }[]).map(({ body }) => body)
    return joinGroupText({ bytes: shell, memberAt: memberPlace(shell) }, pieces)
  }

  /**
   * Takes elements out of the current pieces.
   *
   * @param isLeaving - Whether an element, parsed, goes.
   */
  remove(
    { key, node }: SplitVersion,
    members: readonly number[],
    isLeaving: (element: unknown) => boolean,
  ): void {
    const places = new Set<number>()
    for (const member of members) {
      for (const row of this.#statements.placesOf.all(node, member)) {
        places.add((row as { place: number }).place)
      }
      this.#statements.dropPlacesOf.run(node, member)
    }
    for (const place of places) this.#rewrite({ key, node }, place, isLeaving)
  }

  /** Puts pieces behind the current ones. */
  append(
    { key, node }: SplitVersion,
    pieces: readonly { readonly text: Uint8Array; readonly members: readonly number[] }[],
  ): void {
    this.begin()
    this.#place = this.#size(node).lastPlace
    for (const { text, members } of pieces) this.add(text, members)
    this.#statements.openPieces.run({ roster: node, sequence: sequenceOf(key) })
    this.#statements.openPlaces.run({ roster: node })
    this.#statements.mark.run(key, null)
  }

  #rewrite(
    { key, node }: SplitVersion,
    place: number,
    isLeaving: (element: unknown) => boolean,
  ): void {
    const row = this.#statements.piece.get({ roster: node, place }) as
      { body: Uint8Array } | undefined
    if (row === undefined) return
    const kept = elementsOfPiece(row.body).filter(
      (element) => !isLeaving(JSON.parse(Buffer.from(element).toString('utf8'))),
    )
    const sequence = sequenceOf(key)
    this.#statements.endOne.run({ roster: node, place, sequence })
    if (kept.length === 0) return
    this.begin()
    const text = Buffer.from(kept.map((one) => Buffer.from(one).toString('utf8')).join(','))
    const { lastInsertRowid } = this.#statements.addText.run(text)
    this.#statements.addPiece.run(place, lastInsertRowid)
    this.#statements.openPieces.run({ roster: node, sequence })
  }

  #size(roster: number): { pieces: number; bytes: number; lastPlace: number } {
    return this.#statements.size.get({ roster }) as {
      pieces: number
      bytes: number
      lastPlace: number
    }
  }
}
