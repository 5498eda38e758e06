import type { Database } from '../database.ts'
import { SUPPORTING_TYPES, type ResourceType } from '@flatfhir/protocol'
import type { ResourceBlock } from '@flatfhir/server'
import { SEQUENCE_SPAN, typeCode } from '../resource-store/keys.ts'
import { isPresent } from '../resource-store/patient-presence.ts'
import { readBlocks } from './block-reader.ts'
import type { ExportScope } from './export-scope.ts'
import { visibleKey } from './visible-version.ts'
import { WORK_TABLE } from './work-list.ts'

const PATIENT = typeCode('Patient')

/** Which patients, by their node numbers, and which types of theirs. */
export interface PatientSlice {
  readonly from: number
  readonly to: number
  readonly types: readonly ResourceType[]
}

/**
 * SQL of the patients that an export is about, as rows of `node` and `joined`.
 *
 * @see ExportScope.isOfSome
 */
export function patientsOf({ tables, isOfSome, window }: ExportScope): string {
  if (isOfSome) return `SELECT node, joined FROM ${tables.cohort} WHERE resolved = 1`
  const { sinceMs, after, asOf } = window
  const appeared = sinceMs === undefined ? '0' : `NOT ${isPresent('s.node', String(after))}`
  return `SELECT DISTINCT s.node, ${appeared} AS joined FROM patient_presence s
    WHERE s.from_seq <= ${asOf} AND s.to_seq > ${asOf}`
}

/** Node numbers that cut the patients of an export into slices of the same size. */
export function patientSlices(
  database: Database,
  scope: ExportScope,
  slices: number,
): readonly { from: number; to: number }[] {
  return database
    .prepare(
      `SELECT min(node) AS "from", max(node) AS "to" FROM (
         SELECT node, ntile(?) OVER (ORDER BY node) AS slice FROM (${patientsOf(scope)})
       ) GROUP BY slice ORDER BY slice`,
    )
    .all(slices) as { from: number; to: number }[]
}

/** How many patients an export is about, and how many are so only since `_since`. */
export function countPatients(
  database: Database,
  scope: ExportScope,
): { readonly patients: number; readonly joined: number } {
  return database
    .prepare(
      `SELECT count(*) AS patients, coalesce(sum(joined), 0) AS joined FROM (${patientsOf(scope)})`,
    )
    .get() as { patients: number; joined: number }
}

/**
 * Reads a slice patient by patient: the Patient first, then what is in the compartment, then what
 * that refers to outside of it. What several patients share comes with each of them.
 */
export function* readPatientBlocks(
  database: Database,
  scope: ExportScope,
  slice: PatientSlice,
): Iterable<ResourceBlock> {
  fillWithPatients(database, scope, slice)
  const patients = database
    .prepare(
      `SELECT w.patient, n.id, min(w.ord) - 1 AS after, max(w.ord) AS upTo FROM ${WORK_TABLE} w
       JOIN node n ON n.node = w.patient GROUP BY w.patient ORDER BY after`,
    )
    .all() as { id: string; after: number; upTo: number }[]
  for (const { id, after, upTo } of patients) {
    const source = { sql: ROWS, parameters: { upTo, asOf: scope.window.asOf }, after }
    for (const block of readBlocks(database, { ...source, type: 'Patient' })) {
      yield { ...block, patientId: id }
    }
  }
}

const ROWS = `
  SELECT w.ord, v.key, v.bytes, v.body FROM ${WORK_TABLE} w CROSS JOIN version v
  WHERE w.ord > :after AND w.ord <= :upTo AND v.key = w.key
    AND v.superseded_seq > :asOf AND v.bytes > 0
  ORDER BY w.ord LIMIT :rows`

function fillWithPatients(database: Database, scope: ExportScope, slice: PatientSlice): void {
  const { from, to } = slice
  const { after, upTo, asOf } = scope.window
  const sequence = `(m.key % ${SEQUENCE_SPAN})`
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  database
    .prepare(
      `WITH RECURSIVE patients (node, joined) AS (
         SELECT node, joined FROM (${patientsOf(scope)}) WHERE node BETWEEN :from AND :to
       ), reached (patient, node) AS (
         SELECT p.node, l.target FROM patients p CROSS JOIN support_link l ON l.owner = p.node
         WHERE l.from_seq <= :asOf AND l.to_seq > :asOf
         UNION
         SELECT r.patient, l.target FROM reached r CROSS JOIN support_link l ON l.owner = r.node
         WHERE l.from_seq <= :asOf AND l.to_seq > :asOf
       ), support (patient, node, type, key) AS (
         SELECT r.patient, n.node, n.type, ${visibleKey('n', ':asOf')}
         FROM reached r CROSS JOIN node n ON n.node = r.node WHERE n.type IN (${codes(slice, true)})
       )
       INSERT INTO ${WORK_TABLE} (key, patient) SELECT key, patient FROM (
         SELECT m.key, p.node AS patient, m.type <> ${PATIENT} AS place, m.type
         FROM patients p CROSS JOIN compartment m ON m.patient = p.node
         WHERE m.type IN (${codes(slice, false)})
           AND ${sequence} <= :upTo AND (p.joined = 1 OR ${sequence} > :after)
         UNION ALL
         SELECT m.key, m.patient, 2, m.type FROM support m
         WHERE ${sequence} <= :upTo AND (${sequence} > :after
           OR m.node NOT IN (SELECT node FROM ${scope.tables.supportBefore}))
       ) ORDER BY patient, place, type, key`,
    )
    .run({ from, to, asOf, upTo, after })
}

function codes({ types }: PatientSlice, supporting: boolean): string {
  return types
    .filter((type) => SUPPORTING_TYPES.has(type) === supporting)
    .map(typeCode)
    .join(', ')
}
