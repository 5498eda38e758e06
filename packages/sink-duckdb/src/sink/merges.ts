import type { LandingContext } from './landing-context.ts'
import { mainTable } from './resource-table.ts'
import { mendedSql } from './staging.ts'
import type { TypeKeys } from './type-keys.ts'

const PATIENT_URL = String.raw`(?:^|/)Patient/([A-Za-z0-9\-._~]{1,255})(?:/_history/[^/]+)?$`

/**
 * Notes who replaced whom, as the Patients say that a run wrote. Patients that were landed before and
 * did not change have been read before.
 *
 * @see {@link https://hl7.org/fhir/R4/patient.html#links | FHIR R4: Patient.link}
 */
export async function writeMerges(context: LandingContext, keys: TypeKeys): Promise<void> {
  const { sql, source, runId } = context
  await forgetMerges(
    context,
    `SELECT id FROM ${mainTable(keys.type)} WHERE _source = ${source} AND _run = ${runId}`,
  )
  await sql.run(`INSERT INTO sync.merges ${mergesSql(context)}`)
}

/** Forgets what some Patients said: the ids that a query selects. */
export async function forgetMerges({ sql, source }: LandingContext, ids: string): Promise<void> {
  await sql.run(`DELETE FROM sync.merges WHERE source = ${source} AND stated_by IN (${ids})`)
}

function mergesSql({ source, runId }: LandingContext): string {
  const text = `CASE WHEN json_valid(raw) THEN raw ELSE ${mendedSql('raw')} END`
  const links = `SELECT id, unnest(json_extract(${text}, '$.link[*]')) AS link
    FROM ${mainTable('Patient')}
    WHERE _source = ${source} AND _run = ${runId} AND contains(raw, '"link"')`
  const read = `SELECT id, json_extract_string(link, '$.type') AS type,
      regexp_extract(json_extract_string(link, '$.other.reference'), '${PATIENT_URL}', 1) AS other
    FROM (${links})`
  return `SELECT DISTINCT ${source},
      CASE type WHEN 'replaces' THEN other ELSE id END,
      CASE type WHEN 'replaces' THEN id ELSE other END, id
    FROM (${read})
    WHERE type IN ('replaces', 'replaced-by') AND other <> '' AND other <> id`
}

/** How many patients have been replaced, in all of the source's landed data. */
export function countMerged({ sql, source }: LandingContext): Promise<number> {
  return sql.count(`SELECT count(DISTINCT patient) AS n FROM sync.merges WHERE source = ${source}`)
}

/**
 * SQL of the ids of some patients and of everybody who has been replaced by one of them, through any
 * number of steps: column `patient`. UNION leaves repeated ones out, so circles end.
 *
 * @param patients - SQL of a table with a column `patient`.
 */
export function withReplacedSql({ source }: LandingContext, patients: string): string {
  return `(WITH RECURSIVE person AS (
      SELECT patient FROM ${patients}
      UNION
      SELECT m.patient FROM person p JOIN sync.merges m ON m.replaced_by = p.patient
      WHERE m.source = ${source})
    SELECT patient FROM person)`
}
