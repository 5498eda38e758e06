import type { Database } from '../database.ts'
import type { ExportQuery } from '@flatfhir/server'
import { NEVER, typeCode } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { visibleKey } from './visible-version.ts'
import type { ExportWindow } from './export-window.ts'

const PATIENT = typeCode('Patient')
const GROUP = typeCode('Group')

/** SQL: whether row `m` of `group_member` counts as of `:asOf`, at the instant `:at`. */
const ACTIVE_MEMBER = `m.from_seq <= :asOf AND m.to_seq > :asOf AND m.to_seq <= ${NEVER}
  AND m.inactive = 0 AND m.starts_at <= :at AND m.ends_at > :at`

/** SQL of the table expression `rosters`: the Group `:groupId` and those nested in it. */
const ROSTERS = `rosters (node) AS (
  SELECT node FROM node WHERE type = ${GROUP} AND id = :groupId
  UNION
  SELECT m.member FROM rosters r
    JOIN group_member m ON m.roster = r.node
    JOIN node n ON n.node = m.member
  WHERE n.type = ${GROUP} AND ${ACTIVE_MEMBER}
)`

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

/**
 * Fills the tables for a Group: its members as of the window's snapshot, those of nested Groups
 * included. An unknown or empty Group has an empty cohort, and nothing else is exported.
 */
export function fillGroupCohort(
  database: Database,
  tables: CohortTables,
  { groupId, window }: { groupId: string; window: ExportWindow },
): void {
  const { cohort, cohortBefore } = tables
  if (window.sinceMs !== undefined) {
    database
      .prepare(
        `INSERT INTO ${cohortBefore} ${members(
          `SELECT member FROM patients p WHERE ${isPresent('p.member', ':asOf')}`,
        )}`,
      )
      .run({ groupId, asOf: window.after, at: window.sinceMs })
  }
  database
    .prepare(
      `INSERT INTO ${cohort} ${members(`
        SELECT p.member,
          ${window.sinceMs === undefined ? '0' : `p.member NOT IN (SELECT node FROM ${cohortBefore})`},
          ${isPresent('p.member', ':asOf')}
        FROM patients p`)}`,
    )
    .run({ groupId, asOf: window.asOf, at: window.asOfMs })
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
export function keepOnly(
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
  const ids = JSON.stringify(patientIds)
  const there = `SELECT n.id FROM ${NAMED_PATIENTS} WHERE ${isPresent('n.node', ':asOf')}`
  const isMember = `AND EXISTS (SELECT 1 FROM rosters r
    JOIN group_member m ON m.roster = r.node AND m.member = n.node WHERE ${ACTIVE_MEMBER})`
  const found =
    level === 'group'
      ? database
          .prepare(`WITH RECURSIVE ${ROSTERS} ${there} ${isMember}`)
          .all({ ids, groupId, asOf: window.asOf, at: window.asOfMs })
      : database.prepare(there).all({ ids, asOf: window.asOf })
  const known = new Set((found as { id: string }[]).map(({ id }) => id))
  return [...new Set(patientIds)].filter((id) => !known.has(id)).sort()
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
    WITH RECURSIVE ${ROSTERS}, patients (member) AS (
      SELECT DISTINCT m.member FROM rosters r
        JOIN group_member m ON m.roster = r.node
        JOIN node n ON n.node = m.member
      WHERE n.type = ${PATIENT} AND ${ACTIVE_MEMBER}
    ) ${select}`
}
