import type { Database } from '../database.ts'
import type { ExportLevel } from '@flatfhir/protocol'
import type { ExportQuery, Snapshot } from '@flatfhir/server'
import { typeCode } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import {
  fillGroupCohort,
  fillPatientCohort,
  fillSupport,
  unresolvedGroups,
  type CohortTables,
} from './cohort.ts'
import { exportWindow, type ExportWindow } from './export-window.ts'

const PATIENT = typeCode('Patient')

/** Whether an export is about some patients, and not about everything or everybody. */
export function isAboutSome({ level, patientIds }: ExportQuery): boolean {
  return level === 'group' || (level === 'patient' && patientIds !== undefined)
}

/** What a scope is made for. */
export interface ExportScopeInput {
  readonly query: ExportQuery
  readonly snapshot: Snapshot
  /** Distinguishes scopes of the same connection. */
  readonly number: number
  /**
   * Keep what member filters come to in the database, so that others need not work it out again. For
   * connections that may write.
   */
  readonly isKept?: boolean
}

/**
 * What an export of patients is about: who they are and what their resources refer to, worked out
 * once per connection and export, in temporary tables. As everything in it is as of the export's
 * snapshot, every connection comes to the same, whenever it does.
 */
export class ExportScope implements Disposable {
  readonly window: ExportWindow
  readonly tables: CohortTables & {
    /** `node`: referred to as a patient, but not there. */
    readonly absentPatient: string
  }
  readonly #database: Database
  readonly #query: ExportQuery
  readonly #isKept: boolean

  constructor(database: Database, input: ExportScopeInput) {
    const { query, snapshot, number } = input
    this.#isKept = input.isKept ?? false
    this.#database = database
    this.#query = query
    this.window = exportWindow(database, query, snapshot)
    this.tables = {
      cohort: `temp.cohort_${number}`,
      cohortBefore: `temp.cohort_before_${number}`,
      support: `temp.support_${number}`,
      supportBefore: `temp.support_before_${number}`,
      absentPatient: `temp.absent_patient_${number}`,
    }
    this.#create()
    if (isAboutSome(query)) this.#fillSome()
    else if (query.level === 'patient' || query.organizedBy === 'Patient') this.#fillEverybody()
  }

  get level(): ExportLevel {
    return this.#query.level
  }

  /** Whether the cohort is a list of patients, and not everybody. */
  get isOfSome(): boolean {
    return isAboutSome(this.#query)
  }

  /** Number of patients in the cohort that are there, and how many are so since `_since`. */
  cohortSize(): { readonly members: number; readonly joined: number } {
    return this.#database
      .prepare(
        `SELECT count(*) AS members, coalesce(sum(joined), 0) AS joined
         FROM ${this.tables.cohort} WHERE resolved = 1`,
      )
      .get() as { members: number; joined: number }
  }

  /** Number of patients and members in the cohort, those that do not resolve included. */
  rosterSize(): number {
    return (
      this.#count(`SELECT count(*) AS n FROM ${this.tables.cohort}`) +
      this.#unresolvedGroups().length
    )
  }

  /** Whether there was anybody in the cohort at `_since`. */
  hadMembers(): boolean {
    return this.#count(`SELECT count(*) AS n FROM ${this.tables.cohortBefore}`) > 0
  }

  /** Whether the patients' resources refer to anything outside the compartments. */
  hasSupport(): boolean {
    return (
      this.#count(`SELECT count(*) AS n FROM (SELECT 1 FROM ${this.tables.support} LIMIT 1)`) > 0
    )
  }

  /** References of a Group's members, its own and nested Groups', that resolve to nothing. */
  unresolvedMembers(): readonly string[] {
    const patients = this.#database
      .prepare(
        `SELECT n.id FROM ${this.tables.cohort} c JOIN node n ON n.node = c.node
         WHERE c.resolved = 0 ORDER BY n.id`,
      )
      .all() as { id: string }[]
    const groups = this.#unresolvedGroups()
    return [...groups.map((id) => `Group/${id}`), ...patients.map(({ id }) => `Patient/${id}`)]
  }

  /** Node numbers that cut the cohort into this many slices of the same size. */
  cohortSlices(slices: number): readonly { from: number; to: number }[] {
    return this.#database
      .prepare(
        `SELECT min(node) AS "from", max(node) AS "to" FROM (
           SELECT node, ntile(?) OVER (ORDER BY node) AS slice
           FROM ${this.tables.cohort} WHERE resolved = 1
         ) GROUP BY slice ORDER BY slice`,
      )
      .all(slices) as { from: number; to: number }[]
  }

  [Symbol.dispose](): void {
    for (const table of Object.values(this.tables)) {
      this.#database.exec(`DROP TABLE IF EXISTS ${table}`)
    }
  }

  #create(): void {
    const { cohort, ...others } = this.tables
    this.#database.exec(
      `CREATE TABLE ${cohort} (node INTEGER PRIMARY KEY, joined INTEGER, resolved INTEGER)`,
    )
    for (const table of Object.values(others)) {
      this.#database.exec(`CREATE TABLE ${table} (node INTEGER PRIMARY KEY)`)
    }
  }

  #fillSome(): void {
    const { window, tables } = this
    const { level, groupId = '', patientIds } = this.#query
    if (level === 'group') {
      const group = { groupId, window, patientIds, isKept: this.#isKept }
      fillGroupCohort(this.#database, tables, group)
    } else {
      fillPatientCohort(this.#database, tables, { patientIds: patientIds ?? [], window })
    }
    fillSupport(this.#database, tables, {
      owners: `SELECT node FROM ${tables.cohort} WHERE resolved = 1`,
      ownersBefore: `SELECT node FROM ${tables.cohortBefore}`,
      window,
    })
  }

  #fillEverybody(): void {
    const { window, tables } = this
    this.#database
      .prepare(
        `INSERT INTO ${tables.absentPatient} SELECT n.node FROM node n
         WHERE n.type = ${PATIENT} AND NOT ${isPresent('n.node', ':asOf')}`,
      )
      .run({ asOf: window.asOf })
    if (window.sinceMs !== undefined) this.#fillAppeared()
    fillSupport(this.#database, tables, {
      owners: `SELECT node FROM node WHERE type = ${PATIENT}
        AND node NOT IN (SELECT node FROM ${tables.absentPatient})`,
      ownersBefore: `SELECT pp.node FROM patient_presence pp
        WHERE pp.from_seq <= :asOf AND pp.to_seq > :asOf`,
      window,
    })
  }

  /** Records may be written before their Patient is: with it, all of them come into reach. */
  #fillAppeared(): void {
    const { after, asOf } = this.window
    this.#database
      .prepare(
        `INSERT INTO ${this.tables.cohort}
         SELECT s.node, 1, 1 FROM patient_presence s
         WHERE s.from_seq > :after AND s.from_seq <= :asOf AND s.to_seq > :asOf
           AND NOT ${isPresent('s.node', ':after')}`,
      )
      .run({ after, asOf })
  }

  #unresolvedGroups(): readonly string[] {
    const { level, groupId, patientIds } = this.#query
    // Those who were named one by one come from no Group.
    if (level !== 'group' || groupId === undefined || patientIds !== undefined) return []
    return unresolvedGroups(this.#database, { groupId, window: this.window })
  }

  #count(sql: string): number {
    return (this.#database.prepare(sql).get() as { n: number }).n
  }
}
