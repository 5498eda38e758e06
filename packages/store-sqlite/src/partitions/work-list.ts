import type { Database } from '../database.ts'
import { SUPPORTING_TYPES, type ResourceType } from '@flatfhir/protocol'
import type { ExportQuery } from '@flatfhir/server'
import { NEVER, SEQUENCE_SPAN, typeCode, versionKey } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { isAboutSome, type ExportScope } from './export-scope.ts'
import { visibleKey } from './visible-version.ts'

/**
 * Keys that a partition reads, in their order: what is scattered among the versions is sorted once,
 * here, so that the versions themselves are read from front to back.
 */
export const WORK_TABLE = 'temp.work_list'

/** Lists what is in the compartments of a slice of the cohort. */
export function fillWithCohort(
  database: Database,
  { window, tables }: ExportScope,
  { selector, type }: { selector: { from: number; to: number }; type: ResourceType },
): void {
  const code = typeCode(type)
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  database
    .prepare(
      `INSERT INTO ${WORK_TABLE} (key, patient)
       SELECT m.key, c.node FROM ${tables.cohort} c CROSS JOIN compartment m
       WHERE c.node BETWEEN :from AND :to AND c.resolved = 1
         AND m.patient = c.node AND m.type = :code
         AND m.key > CASE WHEN c.joined = 1 THEN :typeKey ELSE :afterKey END AND m.key <= :upToKey
       ORDER BY m.key`,
    )
    .run({
      from: selector.from,
      to: selector.to,
      code,
      typeKey: versionKey(code, 0),
      afterKey: versionKey(code, window.after),
      upToKey: versionKey(code, window.upTo),
    })
}

/**
 * Lists what is in the compartments of patients who are there only since `_since`, written before
 * that, and not in the compartment of a patient who was there already.
 */
export function fillWithAppeared(
  database: Database,
  { window, tables }: ExportScope,
  { selector, type }: { selector: { from: number; to: number }; type: ResourceType },
): void {
  const code = typeCode(type)
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  database
    .prepare(
      `INSERT INTO ${WORK_TABLE} (key, patient)
       SELECT m.key, c.node FROM ${tables.cohort} c CROSS JOIN compartment m
       WHERE c.node BETWEEN :from AND :to
         AND m.patient = c.node AND m.type = :code AND m.key > :typeKey AND m.key <= :upToKey
         AND NOT EXISTS (SELECT 1 FROM shared_compartment o
           WHERE o.key = m.key AND ${isPresent('o.patient', ':after')})
       ORDER BY m.key`,
    )
    .run({
      from: selector.from,
      to: selector.to,
      code,
      after: window.after,
      typeKey: versionKey(code, 0),
      upToKey: versionKey(code, Math.min(window.after, window.upTo)),
    })
}

/**
 * Lists what the cohort refers to outside the compartments. With `_since`, what changed in the
 * window, and what was not referred to before it.
 */
export function fillWithSupport(
  database: Database,
  { window, tables }: ExportScope,
  type: ResourceType,
): void {
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  database
    .prepare(
      `INSERT INTO ${WORK_TABLE} (key) SELECT key FROM (
         SELECT n.node, ${visibleKey('n', ':asOf')} AS key
         FROM ${tables.support} s JOIN node n ON n.node = s.node WHERE n.type = :code
       ) WHERE key % ${SEQUENCE_SPAN} <= :upTo
         AND (key % ${SEQUENCE_SPAN} > :after
           OR node NOT IN (SELECT node FROM ${tables.supportBefore}))
       ORDER BY key`,
    )
    .run({ code: typeCode(type), asOf: window.asOf, after: window.after, upTo: window.upTo })
}

/**
 * Lists the tombstones of the window: at system level all of them, else those of resources that an
 * export at `_since` can have had.
 */
export function fillWithDeleted(
  database: Database,
  scope: ExportScope,
  { query, types }: { query: ExportQuery; types: readonly ResourceType[] },
): void {
  const { after, upTo, asOf } = scope.window
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  for (const type of types) {
    const code = typeCode(type)
    database
      .prepare(
        `INSERT INTO ${WORK_TABLE} (key)
         SELECT v.key FROM version v INDEXED BY version_tombstone
         WHERE v.bytes = 0 AND v.key > :after AND v.key <= :upTo AND v.superseded_seq > :asOf
           AND ${tombstoneFilter(scope, query, type)}
         ORDER BY v.key`,
      )
      .run({ after: versionKey(code, after), upTo: versionKey(code, upTo), asOf })
  }
}

function tombstoneFilter(
  { tables, window }: ExportScope,
  query: ExportQuery,
  type: ResourceType,
): string {
  if (query.level === 'system') return 'TRUE'
  const isOfSome = isAboutSome(query)
  if (type === 'Group') return isOfSome ? 'FALSE' : 'TRUE'
  if (SUPPORTING_TYPES.has(type)) return `v.node IN (SELECT node FROM ${tables.supportBefore})`
  if (!isOfSome) return 'v.patient IS NOT NULL'
  // Who left the cohort, or was deleted with it, was in it before.
  const people = `SELECT node FROM ${tables.cohort} UNION SELECT node FROM ${tables.cohortBefore}`
  const isTheirs = (version: string): string => `(${version}.patient IN (${people}) OR EXISTS (
    SELECT 1 FROM shared_compartment s WHERE s.key = ${version}.key AND s.patient IN (${people})))`
  // A record may have become somebody else's before it was deleted.
  return `(${isTheirs('v')} OR EXISTS (
    SELECT 1 FROM version h WHERE h.node = v.node AND h.superseded_seq < ${NEVER}
      AND h.superseded_seq > ${window.after} AND ${isTheirs('h')}))`
}
