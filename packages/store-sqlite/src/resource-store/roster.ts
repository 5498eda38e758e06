import type { Database } from '../database.ts'
import { NEVER } from './keys.ts'
import type { NodeTable } from './node-table.ts'
import type { RosterMember } from './resource-index.ts'

interface MemberRow {
  readonly member: number
  readonly inactive: number
  readonly startsAt: number
  readonly endsAt: number
  readonly fromSeq: number
}

/** Who was a member of which Group, from when to when. */
export class Roster {
  readonly #nodes: NodeTable
  readonly #current
  readonly #open
  readonly #close

  constructor(database: Database, nodes: NodeTable) {
    this.#nodes = nodes
    this.#current = database.prepare(
      `SELECT member, inactive, starts_at AS startsAt, ends_at AS endsAt, from_seq AS fromSeq
       FROM group_member WHERE roster = ? AND to_seq = ${NEVER}`,
    )
    this.#open = database.prepare(
      `INSERT INTO group_member (roster, member, from_seq, inactive, starts_at, ends_at, to_seq)
       VALUES (?, ?, ?, ?, ?, ?, ${NEVER})`,
    )
    this.#close = database.prepare(
      `UPDATE group_member SET to_seq = ?
       WHERE roster = ? AND member = ? AND from_seq = ?
         AND inactive = ? AND starts_at = ? AND ends_at = ?`,
    )
  }

  /** Makes `members` the roster from `sequence` on; only differences are written. */
  replace(roster: number, members: readonly RosterMember[], sequence: number): void {
    const leaving = new Map(
      (this.#current.all(roster) as MemberRow[]).map((row) => [rowName(row), row]),
    )
    for (const member of members) {
      const node = this.#nodes.numberOf(member.code, member.id)
      const row = { ...member, member: node, inactive: member.inactive ? 1 : 0 }
      if (leaving.delete(rowName(row))) continue
      this.#open.run(roster, node, sequence, row.inactive, row.startsAt, row.endsAt)
    }
    for (const row of leaving.values()) {
      const { member, fromSeq, inactive, startsAt, endsAt } = row
      this.#close.run(sequence, roster, member, fromSeq, inactive, startsAt, endsAt)
    }
  }
}

function rowName(row: Omit<MemberRow, 'fromSeq'>): string {
  return `${row.member} ${row.inactive} ${row.startsAt} ${row.endsAt}`
}
