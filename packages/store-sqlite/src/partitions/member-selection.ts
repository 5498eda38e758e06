import { inTransaction, type Database } from '../database.ts'
import { typeCode } from '../resource-store/keys.ts'
import { decodeSearches, type MemberSearch } from '../resource-store/member-filter.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { activeMember, rosters as rostersSql } from './cohort-sql.ts'
import { MemberSearches, type Moment } from './member-search.ts'
import { NodeSet } from './node-set.ts'

const PATIENT = typeCode('Patient')
const GROUP = typeCode('Group')

/** Whose members are asked for. */
export interface SelectionInput extends Moment {
  readonly groupId: string
  /** Only these patients, where it is given; the cost is theirs then. */
  readonly among?: NodeSet
  /** Keep the result in the database, for whoever asks next; needs a connection that may write. */
  readonly isKept?: boolean
}

interface FilteredGroup {
  readonly searches: readonly MemberSearch[]
  readonly ofEverybody: boolean
}

/**
 * The members of a Group that has member filters, or that Groups with member filters are nested in,
 * as of a moment: those who are there. As everything is as of the moment, it comes to the same on
 * every connection, whenever it is asked.
 *
 * @returns `undefined` when no filter is involved.
 */
export function selectMembers(database: Database, input: SelectionInput): NodeSet | undefined {
  const rosters = rostersOf(database, input)
  const filters = filtersOf(database, rosters, input)
  if (filters.size === 0) return undefined
  const [root = 0] = rosters
  const key: EvaluationKey = { roster: root, asOf: input.asOf, atMs: input.atMs }
  const kept = input.among === undefined ? readEvaluation(database, key) : undefined
  if (kept !== undefined) return kept
  const selected = new Selection(database, input, filters).solve(rosters)
  if (input.isKept === true && input.among === undefined) keepEvaluation(database, key, selected)
  return selected
}

/** Node numbers of the Group itself, which comes first, and of those nested in it. */
function rostersOf(database: Database, { groupId, asOf, atMs }: SelectionInput): readonly number[] {
  const rows = database
    .prepare(
      `WITH RECURSIVE ${rostersSql()} SELECT r.node FROM rosters r JOIN node n ON n.node = r.node
       ORDER BY n.id <> :groupId`,
    )
    .all({ groupId, asOf, at: atMs }) as { node: number }[]
  return rows.map(({ node }) => node)
}

function filtersOf(
  database: Database,
  rosters: readonly number[],
  { asOf }: Moment,
): ReadonlyMap<number, FilteredGroup> {
  const rows = database
    .prepare(
      `SELECT f.roster, f.everybody, f.filters FROM json_each(:rosters) r
       CROSS JOIN member_filter f ON f.roster = r.value
       WHERE f.from_seq <= :asOf AND f.to_seq > :asOf`,
    )
    .all({ rosters: JSON.stringify(rosters), asOf }) as {
    roster: number
    everybody: number
    filters: string
  }[]
  return new Map(
    rows.map(({ roster, everybody, filters }) => [
      roster,
      { searches: decodeSearches(filters), ofEverybody: everybody === 1 },
    ]),
  )
}

/**
 * Works out who the members are, from the innermost Groups outwards. Where Groups are nested in a
 * cycle, until nobody comes in any more: filters and nesting only ever let more in when more is let
 * into them, so that there is one smallest answer.
 */
class Selection {
  readonly #database: Database
  readonly #input: SelectionInput
  readonly #filters: ReadonlyMap<number, FilteredGroup>
  readonly #searches: MemberSearches
  readonly #direct
  readonly #nested
  readonly #members = new Map<number, NodeSet>()
  /** Who was looked at already, by Group. */
  readonly #seen = new Map<number, NodeSet>()

  constructor(
    database: Database,
    input: SelectionInput,
    filters: ReadonlyMap<number, FilteredGroup>,
  ) {
    this.#database = database
    this.#input = input
    this.#filters = filters
    this.#searches = new MemberSearches(database, input)
    const from = `FROM group_member m CROSS JOIN node n ON n.node = m.member
      WHERE m.roster = :roster AND ${activeMember()}`
    this.#direct = database.prepare(
      `SELECT DISTINCT m.member AS node ${from} AND n.type = ${PATIENT}
         AND ${isPresent('m.member', ':asOf')}`,
    )
    this.#nested = database.prepare(
      `SELECT DISTINCT m.member AS node ${from} AND n.type = ${GROUP}`,
    )
  }

  solve(rosters: readonly number[]): NodeSet {
    const innermostFirst = rosters.toReversed()
    for (const roster of rosters) {
      this.#members.set(roster, new NodeSet())
      this.#seen.set(roster, new NodeSet())
    }
    for (let isFirst = true, grew = true; grew; isFirst = false) {
      grew = false
      for (const roster of innermostFirst) {
        if (this.#grow(roster, isFirst)) grew = true
      }
    }
    return this.#members.get(rosters[0] ?? 0) ?? new NodeSet()
  }

  /** @returns whether there are more members than before. */
  #grow(roster: number, withDirect: boolean): boolean {
    const fresh = this.#candidates(roster, withDirect)
    const members = this.#members.get(roster)
    if (fresh.size === 0 || members === undefined) return false
    let passed = fresh
    for (const search of this.#filters.get(roster)?.searches ?? []) {
      passed = this.#searches.matching(search, passed)
    }
    members.addAll(passed)
    return passed.size > 0
  }

  /** Who has not been looked at yet. */
  #candidates(roster: number, withDirect: boolean): NodeSet {
    const fresh = new NodeSet()
    const seen = this.#seen.get(roster) ?? new NodeSet()
    const take = (node: number): void => {
      if (seen.has(node) || this.#input.among?.has(node) === false) return
      seen.add(node)
      fresh.add(node)
    }
    if (withDirect) this.#takeDirect(roster, take)
    for (const nested of this.#run(this.#nested, roster)) {
      for (const node of this.#members.get(nested) ?? []) take(node)
    }
    return fresh
  }

  #takeDirect(roster: number, take: (node: number) => void): void {
    if (this.#filters.get(roster)?.ofEverybody !== true) {
      for (const node of this.#run(this.#direct, roster)) take(node)
      return
    }
    const { asOf } = this.#input
    const everybody = this.#database.prepare(
      `SELECT node FROM patient_presence WHERE from_seq <= :asOf AND to_seq > :asOf
         AND node > :after ORDER BY node LIMIT 10000`,
    )
    for (let after = 0; ;) {
      const rows = everybody.all({ asOf, after }) as { node: number }[]
      for (const { node } of rows) take(node)
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.node
    }
  }

  *#run(statement: ReturnType<Database['prepare']>, roster: number): Iterable<number> {
    const { asOf, atMs } = this.#input
    for (const row of statement.iterate({ roster, asOf, at: atMs })) {
      yield (row as { node: number }).node
    }
  }
}

interface EvaluationKey extends Moment {
  readonly roster: number
}

function readEvaluation(database: Database, key: EvaluationKey): NodeSet | undefined {
  const evaluation = evaluationOf(database, key)
  if (evaluation === undefined) return undefined
  const nodes = new NodeSet()
  const parts = database.prepare('SELECT nodes FROM cohort_part WHERE evaluation = ? ORDER BY part')
  for (const row of parts.iterate(evaluation)) {
    for (const node of JSON.parse((row as { nodes: string }).nodes) as number[]) nodes.add(node)
  }
  // What was pruned in the meantime may have been read by half.
  return evaluationOf(database, key) === evaluation ? nodes : undefined
}

function evaluationOf(
  database: Database,
  { roster, asOf, atMs }: EvaluationKey,
): number | undefined {
  const found = database
    .prepare(
      'SELECT evaluation FROM cohort_evaluation WHERE roster = ? AND as_of = ? AND at_ms = ?',
    )
    .get(roster, asOf, atMs) as { evaluation: number } | undefined
  return found?.evaluation
}

/** Only saves work: where it fails, every worker comes to the same by itself. */
function keepEvaluation(
  database: Database,
  { roster, asOf, atMs }: EvaluationKey,
  nodes: NodeSet,
): void {
  try {
    inTransaction(database, () => {
      const { changes, lastInsertRowid } = database
        .prepare('INSERT OR IGNORE INTO cohort_evaluation (roster, as_of, at_ms) VALUES (?, ?, ?)')
        .run(roster, asOf, atMs)
      if (changes === 0) return
      const insert = database.prepare('INSERT INTO cohort_part VALUES (?, ?, ?)')
      let part = 0
      for (const json of nodes.jsonParts()) insert.run(lastInsertRowid, (part += 1), json)
    })
  } catch {
    return
  }
}
