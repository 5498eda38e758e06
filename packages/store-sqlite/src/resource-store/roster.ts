import type { Database } from '../database.ts'
import { NEVER } from './keys.ts'
import { encodeSearches, type MemberFilter } from './member-filter.ts'
import type { NodeTable } from './node-table.ts'
import type { RosterMember } from './resource-index.ts'

/** `fresh` rows are those of the roster that is being written. */
const SAME = `roster = :roster AND to_seq = ${NEVER}`
const IS_FRESH = `EXISTS (SELECT 1 FROM temp.fresh_member f WHERE f.member = group_member.member
  AND f.inactive = group_member.inactive AND f.starts_at = group_member.starts_at
  AND f.ends_at = group_member.ends_at)`

/**
 * Who was a member of which Group, from when to when, and which searches selected from them. A new
 * roster is gathered in a temporary table and compared with the current one by the database, so that
 * neither of them is ever in memory.
 */
export class Roster {
  readonly #nodes: NodeTable
  readonly #statements

  constructor(database: Database, nodes: NodeTable) {
    this.#nodes = nodes
    database.exec(`CREATE TABLE IF NOT EXISTS temp.fresh_member (
      member INTEGER, inactive INTEGER, starts_at INTEGER, ends_at INTEGER,
      PRIMARY KEY (member, inactive, starts_at, ends_at)) WITHOUT ROWID`)
    this.#statements = {
      clear: database.prepare('DELETE FROM temp.fresh_member'),
      gather: database.prepare('INSERT OR IGNORE INTO temp.fresh_member VALUES (?, ?, ?, ?)'),
      close: database.prepare(
        `UPDATE group_member SET to_seq = :sequence WHERE ${SAME} AND NOT ${IS_FRESH}`,
      ),
      closeAll: database.prepare(`UPDATE group_member SET to_seq = :sequence WHERE ${SAME}`),
      open: database.prepare(
        `INSERT INTO group_member (roster, member, from_seq, inactive, starts_at, ends_at, to_seq)
         SELECT :roster, f.member, :sequence, f.inactive, f.starts_at, f.ends_at, ${NEVER}
         FROM temp.fresh_member f WHERE NOT EXISTS (
           SELECT 1 FROM group_member m WHERE m.roster = :roster AND m.member = f.member
             AND m.to_seq = ${NEVER} AND m.inactive = f.inactive
             AND m.starts_at = f.starts_at AND m.ends_at = f.ends_at)`,
      ),
      remove: database.prepare(
        `UPDATE group_member SET to_seq = :sequence WHERE ${SAME} AND member = :member`,
      ),
      has: database.prepare(
        `SELECT 1 FROM group_member WHERE ${SAME} AND member = :member LIMIT 1`,
      ),
      hasSame: database.prepare(
        `SELECT 1 FROM group_member WHERE ${SAME} AND member = :member AND inactive = :inactive
           AND starts_at = :startsAt AND ends_at = :endsAt`,
      ),
      everybody: database.prepare(`SELECT 1 FROM member_filter WHERE ${SAME} AND everybody = 1`),
      closeFilter: database.prepare(`UPDATE member_filter SET to_seq = :sequence WHERE ${SAME}`),
      openFilter: database.prepare(`INSERT INTO member_filter VALUES (?, ?, ${NEVER}, ?, ?)`),
    }
  }

  /** Makes `members` the roster from `sequence` on; only differences are written. */
  replace(roster: number, members: readonly RosterMember[], sequence: number): void {
    if (members.length === 0) {
      this.#statements.closeAll.run({ roster, sequence })
      return
    }
    this.beginGathering()
    this.gather(members)
    this.replaceByGathered(roster, sequence)
  }

  /** Begins a roster that comes in pieces. */
  beginGathering(): void {
    this.#statements.clear.run()
  }

  /** @returns the node numbers of the members, in their order. */
  gather(members: readonly RosterMember[]): readonly number[] {
    return members.map(({ code, id, inactive, startsAt, endsAt }) => {
      const member = this.#nodes.numberOf(code, id)
      this.#statements.gather.run(member, inactive ? 1 : 0, startsAt, endsAt)
      return member
    })
  }

  /** Makes what was gathered the roster from `sequence` on. */
  replaceByGathered(roster: number, sequence: number): void {
    this.#statements.close.run({ roster, sequence })
    this.#statements.open.run({ roster, sequence })
    this.#statements.clear.run()
  }

  /** Adds what was gathered to the roster from `sequence` on. */
  addGathered(roster: number, sequence: number): void {
    this.#statements.open.run({ roster, sequence })
    this.#statements.clear.run()
  }

  /** Ends every membership of one member. */
  remove(roster: number, member: number, sequence: number): void {
    this.#statements.remove.run({ roster, member, sequence })
  }

  /** Whether the current member filter selects from all patients. */
  selectsFromEverybody(roster: number): boolean {
    return this.#statements.everybody.get({ roster }) !== undefined
  }

  /** Whether somebody is a member, active or not. */
  has(roster: number, member: number): boolean {
    return this.#statements.has.get({ roster, member }) !== undefined
  }

  /** Whether somebody is a member in just this way. */
  hasSame(roster: number, { code, id, ...rest }: RosterMember): boolean {
    const member = this.#nodes.find(code, id)?.node
    if (member === undefined) return false
    const inactive = rest.inactive ? 1 : 0
    const { startsAt, endsAt } = rest
    const same = { roster, member, inactive, startsAt, endsAt }
    return this.#statements.hasSame.get(same) !== undefined
  }

  /** Makes this the Group's member filter from `sequence` on; `undefined` for none. */
  setFilter(roster: number, filter: MemberFilter | undefined, sequence: number): void {
    this.#statements.closeFilter.run({ roster, sequence })
    if (filter === undefined) return
    const { searches, ofEverybody } = filter
    this.#statements.openFilter.run(roster, sequence, ofEverybody ? 1 : 0, encodeSearches(searches))
  }
}
