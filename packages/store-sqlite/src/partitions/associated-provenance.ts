import type { Database } from '../database.ts'
import { SUPPORTING_TYPES, type ResourceType } from '@flatfhir/protocol'
import { SEQUENCE_SPAN, typeCode } from '../resource-store/keys.ts'
import type { ExportScope } from './export-scope.ts'
import { patientsOf } from './patient-blocks.ts'
import { visibleKey } from './visible-version.ts'
import { WORK_TABLE } from './work-list.ts'

/** Which Provenance goes with the export's resources of these types. */
export interface AssociatedProvenance {
  readonly which: 'latest' | 'relevant'
  /** Types of the resources that it is about. */
  readonly types: readonly ResourceType[]
}

/**
 * Lists the Provenance about what the export holds, whenever it was written itself: all of it, or for
 * each resource the one that was recorded last.
 */
export function fillWithProvenance(
  database: Database,
  scope: ExportScope,
  { which, types }: AssociatedProvenance,
): void {
  const { after, upTo, asOf } = scope.window
  database.exec(`DELETE FROM ${WORK_TABLE}`)
  database
    .prepare(
      `INSERT INTO ${WORK_TABLE} (key)
       WITH targets (node) AS (${targets(scope, types)}),
       candidates (target, key) AS (
         SELECT t.target, ${visibleKey('n', ':asOf')}
         FROM targets o CROSS JOIN provenance_target t ON t.target = o.node
         CROSS JOIN node n ON n.node = t.provenance
       ), about (target, key, recorded) AS (
         SELECT c.target, v.key, julianday(CASE WHEN json_valid(CAST(v.body AS TEXT))
           THEN json_extract(CAST(v.body AS TEXT), '$.recorded') END)
         FROM candidates c CROSS JOIN version v ON v.key = c.key
         CROSS JOIN node o ON o.node = c.target
         -- An earlier version may have been about it, and this one not.
         WHERE v.bytes > 0 AND instr(CAST(v.body AS TEXT), o.id) > 0
       ), ranked (key, place) AS (
         SELECT key, row_number() OVER (PARTITION BY target ORDER BY recorded DESC, key DESC)
         FROM about
       ) SELECT DISTINCT key FROM ranked
       WHERE ${which === 'latest' ? 'place = 1' : 'TRUE'} ORDER BY key`,
    )
    .run({ after, upTo, asOf })
}

/** SQL of the nodes that the export holds a version of. */
function targets(scope: ExportScope, types: readonly ResourceType[]): string {
  if (scope.level === 'system') {
    return `SELECT node FROM (
      SELECT n.node, ${visibleKey('n', ':asOf')} AS key FROM node n
      WHERE n.type IN (${codes(types)}) AND EXISTS (
        SELECT 1 FROM provenance_target t WHERE t.target = n.node)
    ) m WHERE ${isInWindow('m.key')} AND ${isThere('m.key')}`
  }
  const [inside, supporting] = [false, true].map((isSupporting) =>
    types.filter((type) => SUPPORTING_TYPES.has(type) === isSupporting),
  )
  return `SELECT v.node FROM (${patientsOf(scope)}) p
      CROSS JOIN compartment m ON m.patient = p.node
      CROSS JOIN version v ON v.key = m.key
      WHERE m.type IN (${codes(inside)}) AND v.superseded_seq > :asOf AND v.bytes > 0
        AND (p.joined = 1 AND m.key % ${SEQUENCE_SPAN} <= :upTo OR ${isInWindow('m.key')})
    UNION
    SELECT m.node FROM (
      SELECT n.node, ${visibleKey('n', ':asOf')} AS key
      FROM ${scope.tables.support} s CROSS JOIN node n ON n.node = s.node
      WHERE n.type IN (${codes(supporting)})
    ) m WHERE ${isThere('m.key')} AND m.key % ${SEQUENCE_SPAN} <= :upTo AND (${isInWindow('m.key')}
      OR m.node NOT IN (SELECT node FROM ${scope.tables.supportBefore}))`
}

function isThere(key: string): string {
  return `EXISTS (SELECT 1 FROM version v WHERE v.key = ${key} AND v.bytes > 0)`
}

function isInWindow(key: string): string {
  return `(${key} % ${SEQUENCE_SPAN} > :after AND ${key} % ${SEQUENCE_SPAN} <= :upTo)`
}

function codes(types: readonly ResourceType[] = []): string {
  return types.map(typeCode).join(', ')
}
