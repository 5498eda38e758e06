import type { Database } from '../database.ts'
import { NEVER, typeCode } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { visibleKey } from './visible-version.ts'
import type { ExportWindow } from './export-window.ts'

const PATIENT = typeCode('Patient')
const GROUP = typeCode('Group')

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
  const active = `m.from_seq <= :asOf AND m.to_seq > :asOf AND m.to_seq <= ${NEVER}
    AND m.inactive = 0 AND m.starts_at <= :at AND m.ends_at > :at`
  return `
    WITH RECURSIVE rosters (node) AS (
      SELECT node FROM node WHERE type = ${GROUP} AND id = :groupId
      UNION
      SELECT m.member FROM rosters r
        JOIN group_member m ON m.roster = r.node
        JOIN node n ON n.node = m.member
      WHERE n.type = ${GROUP} AND ${active}
    ), patients (member) AS (
      SELECT DISTINCT m.member FROM rosters r
        JOIN group_member m ON m.roster = r.node
        JOIN node n ON n.node = m.member
      WHERE n.type = ${PATIENT} AND ${active}
    ) ${select}`
}
