import type { Database } from '../database.ts'
import type { ExportQuery } from '@flatfhir/server'
import { typeCode } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { activeMember, rosters as rostersSql } from './cohort-sql.ts'
import { selectMembers } from './member-selection.ts'
import { NodeSet } from './node-set.ts'
import { visibleKey } from './visible-version.ts'
import type { ExportWindow } from './export-window.ts'

const PATIENT = typeCode('Patient')

/** Names of an export's temporary tables. */
export interface CohortTables {
  /**
   * `node`, `joined` (1: a member, or there, only since `_since`), `resolved` (1: the Patient is
   * there). At Patient level only those who are there only since `_since`.
   */
  readonly cohort: string
  /** `node`: who was a member at `_since`, and there. */
  readonly cohortBefore: string
  /** `node`: what the cohort's resources refer to. */
  readonly support: string
  /** `node`: what they referred to at `_since`. */
  readonly supportBefore: string
}

/** Which Group, as of when, and what of it. */
export interface GroupCohort {
  readonly groupId: string
  readonly window: ExportWindow
  /** Only these, where they are given. */
  readonly patientIds?: readonly string[] | undefined
  /** Whether what member filters come to is kept for other connections; needs one that may write. */
  readonly isKept?: boolean
}

/**
 * Fills the tables for a Group: its members as of the window's snapshot, those of nested Groups
 * included. An unknown or empty Group has an empty cohort, and nothing else is exported.
 */
export function fillGroupCohort(
  database: Database,
  tables: CohortTables,
  group: GroupCohort,
): void {
  const { cohort, cohortBefore } = tables
  const { window, patientIds, isKept = false } = group
  const among = patientIds === undefined ? {} : { among: namedPatients(database, patientIds) }
  const { groupId } = group
  if (window.sinceMs !== undefined) {
    const before = { groupId, asOf: window.after, atMs: window.sinceMs, ...among, isKept }
    fillBefore(database, cohortBefore, before)
  }
  const moment = { groupId, asOf: window.asOf, atMs: window.asOfMs }
  const joined = (node: string): string =>
    window.sinceMs === undefined ? '0' : `${node} NOT IN (SELECT node FROM ${cohortBefore})`
  const selected = selectMembers(database, { ...moment, ...among, isKept })
  if (selected === undefined) {
    database
      .prepare(
        `INSERT INTO ${cohort} ${members(
          `SELECT p.member, ${joined('p.member')}, ${isPresent('p.member', ':asOf')} FROM patients p`,
        )}`,
      )
      .run({ groupId, asOf: moment.asOf, at: moment.atMs })
  } else {
    insertAll(database, selected, `${cohort} SELECT value, ${joined('value')}, 1`)
  }
  if (patientIds !== undefined) keepOnly(database, tables, patientIds)
}

function fillBefore(
  database: Database,
  cohortBefore: string,
  moment: Parameters<typeof selectMembers>[1],
): void {
  const { groupId, asOf, atMs } = moment
  const selected = selectMembers(database, moment)
  if (selected !== undefined) {
    insertAll(database, selected, `${cohortBefore} SELECT value`)
    return
  }
  const present = `SELECT member FROM patients p WHERE ${isPresent('p.member', ':asOf')}`
  database
    .prepare(`INSERT INTO ${cohortBefore} ${members(present)}`)
    .run({ groupId, asOf, at: atMs })
}

function insertAll(database: Database, nodes: NodeSet, into: string): void {
  const insert = database.prepare(`INSERT INTO ${into} FROM json_each(:nodes)`)
  for (const part of nodes.jsonParts()) insert.run({ nodes: part })
}

/** Node numbers of patients who are named by their ids, as far as there are any. */
function namedPatients(database: Database, patientIds: readonly string[]): NodeSet {
  const nodes = new NodeSet()
  const rows = database.prepare(`SELECT n.node FROM ${NAMED_PATIENTS}`)
  for (const row of rows.iterate({ ids: JSON.stringify(patientIds) })) {
    nodes.add((row as { node: number }).node)
  }
  return nodes
}

/** Fills the tables for an export of patients who were named one by one: those who are there. */
export function fillPatientCohort(
  database: Database,
  { cohort, cohortBefore }: CohortTables,
  { patientIds, window }: { patientIds: readonly string[]; window: ExportWindow },
): void {
  const ids = JSON.stringify(patientIds)
  const present = (asOf: string): string =>
    `FROM ${NAMED_PATIENTS} WHERE ${isPresent('n.node', asOf)}`
  if (window.sinceMs !== undefined) {
    database
      .prepare(`INSERT INTO ${cohortBefore} SELECT DISTINCT n.node ${present(':asOf')}`)
      .run({ ids, asOf: window.after })
  }
  const joined =
    window.sinceMs === undefined ? '0' : `n.node NOT IN (SELECT node FROM ${cohortBefore})`
  database
    .prepare(`INSERT INTO ${cohort} SELECT DISTINCT n.node, ${joined}, 1 ${present(':asOf')}`)
    .run({ ids, asOf: window.asOf })
}

/** Narrows a Group's cohort to patients who were named one by one. */
function keepOnly(
  database: Database,
  { cohort, cohortBefore }: CohortTables,
  patientIds: readonly string[],
): void {
  for (const table of [cohort, cohortBefore]) {
    database
      .prepare(`DELETE FROM ${table} WHERE node NOT IN (SELECT n.node FROM ${NAMED_PATIENTS})`)
      .run({ ids: JSON.stringify(patientIds) })
  }
}

/** Ids of patients who are not there, or not in the Group when one is given; sorted. */
export function missingPatients(
  database: Database,
  { query, window }: { query: ExportQuery; window: ExportWindow },
): readonly string[] {
  const { level, groupId = '', patientIds = [] } = query
  const selected =
    level === 'group'
      ? selectMembers(database, {
          groupId,
          asOf: window.asOf,
          atMs: window.asOfMs,
          among: namedPatients(database, patientIds),
        })
      : undefined
  if (selected !== undefined) return notSelected(database, patientIds, selected)
  const ids = JSON.stringify(patientIds)
  const there = `SELECT n.id FROM ${NAMED_PATIENTS} WHERE ${isPresent('n.node', ':asOf')}`
  const isMember = `AND EXISTS (SELECT 1 FROM rosters r
    JOIN group_member m ON m.roster = r.node AND m.member = n.node WHERE ${activeMember()})`
  const found =
    level === 'group'
      ? database
          .prepare(`WITH RECURSIVE ${rostersSql()} ${there} ${isMember}`)
          .all({ ids, groupId, asOf: window.asOf, at: window.asOfMs })
      : database.prepare(there).all({ ids, asOf: window.asOf })
  const known = new Set((found as { id: string }[]).map(({ id }) => id))
  return [...new Set(patientIds)].filter((id) => !known.has(id)).sort()
}

function notSelected(
  database: Database,
  patientIds: readonly string[],
  selected: NodeSet,
): readonly string[] {
  const rows = database
    .prepare(`SELECT n.node, n.id FROM ${NAMED_PATIENTS}`)
    .all({ ids: JSON.stringify(patientIds) }) as { node: number; id: string }[]
  const members = new Set(rows.filter(({ node }) => selected.has(node)).map(({ id }) => id))
  return [...new Set(patientIds)].filter((id) => !members.has(id)).sort()
}

/** SQL of rows `n` of `node`: the Patients whose ids are in the JSON array `:ids`. */
const NAMED_PATIENTS = `json_each(:ids) named
  CROSS JOIN node n ON n.type = ${PATIENT} AND n.id = named.value`

/** Nested Groups of a Group that are not there as of the window's snapshot. */
export function unresolvedGroups(
  database: Database,
  { groupId, window }: { groupId: string; window: ExportWindow },
): readonly string[] {
  const rows = database
    .prepare(
      members(`SELECT n.id FROM rosters r JOIN node n ON n.node = r.node
       WHERE n.id <> :groupId AND NOT coalesce(
         (SELECT v.bytes > 0 FROM version v WHERE v.key = ${visibleKey('n', ':asOf')}), 0)`),
    )
    .all({ groupId, asOf: window.asOf, at: window.asOfMs }) as { id: string }[]
  return rows.map(({ id }) => id)
}

/** Fills the support tables from what owns the references. */
export function fillSupport(
  database: Database,
  tables: CohortTables,
  { owners, ownersBefore, window }: { owners: string; ownersBefore: string; window: ExportWindow },
): void {
  const closure = (from: string): string => `
    WITH RECURSIVE reached (node) AS (
      SELECT l.target FROM (${from}) o CROSS JOIN support_link l ON l.owner = o.node
      WHERE l.from_seq <= :asOf AND l.to_seq > :asOf
      UNION
      SELECT l.target FROM reached r CROSS JOIN support_link l ON l.owner = r.node
      WHERE l.from_seq <= :asOf AND l.to_seq > :asOf
    ) SELECT node FROM reached`
  database.prepare(`INSERT INTO ${tables.support} ${closure(owners)}`).run({ asOf: window.asOf })
  if (window.sinceMs === undefined) return
  database
    .prepare(`INSERT INTO ${tables.supportBefore} ${closure(ownersBefore)}`)
    .run({ asOf: window.after })
}

/** `rosters`: the Group and those nested in it, cycles survived. `patients`: their members. */
function members(select: string): string {
  return `
    WITH RECURSIVE ${rostersSql()}, patients (member) AS (
      SELECT DISTINCT m.member FROM rosters r
        JOIN group_member m ON m.roster = r.node
        JOIN node n ON n.node = m.member
      WHERE n.type = ${PATIENT} AND ${activeMember()}
    ) ${select}`
}
