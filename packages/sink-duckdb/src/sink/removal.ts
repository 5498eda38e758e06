import { PATIENT_COMPARTMENT } from '@flatfhir/protocol'
import { sqlText } from '../ndjson/sql-text.ts'
import { numberOf, sqlInstant } from '../database/sql.ts'
import type { LandingContext } from './landing-context.ts'
import { forgetMerges, withReplacedSql } from './merges.ts'
import { mainTable } from './resource-table.ts'
import { landedRosterSql } from './rosters.ts'
import type { TypeFigures } from './type-figures.ts'
import { keysSql, type TypeKeys } from './type-keys.ts'

type RemovalFigures = Pick<TypeFigures, 'deletedTold' | 'deletedComputed' | 'left' | 'removed'>

const NOTHING: RemovalFigures = { deletedTold: 0, deletedComputed: 0, left: 0, removed: 0 }

/** Why rows of one type may go. */
export interface RemovalReasons {
  /** The source told of deletions of this type. */
  readonly isTold: boolean
  /** An `all` part was to hold everything of this type. */
  readonly isComplete: boolean
  /** Patients left: the temporary tables `gone_patients` and `kept_patients` are there. */
  readonly hasLeavers: boolean
}

/** Takes the cohort's hold of what is told, absent, or of patients who left. */
export async function letGo(
  context: LandingContext,
  type: string,
  options: { readonly keys: TypeKeys | undefined; readonly reasons: RemovalReasons },
): Promise<RemovalFigures> {
  const { sql } = context
  const hasLeavers = options.reasons.hasLeavers && hasPatients(type)
  const reasons = { ...options.reasons, hasLeavers }
  if (!reasons.isTold && !reasons.isComplete && !hasLeavers) return NOTHING
  if (hasLeavers) await findLeft(context, type)
  await sql.run(lostSql(context, type, { keys: options.keys, reasons }))
  const figures = await countLost(context)
  const { deletedTold, deletedComputed, left, removed } = figures
  if (deletedTold + deletedComputed + left > 0) await remove(context, type, removed)
  return figures
}

/** Types that are in nobody's compartment lose nothing when somebody leaves. */
function hasPatients(type: string): boolean {
  return type === 'Patient' || Object.hasOwn(PATIENT_COMPARTMENT, type)
}

/**
 * Finds who left: members of the landed roster, and whoever they replaced, apart from those whom the
 * new roster has or who were replaced by one of its members.
 *
 * @returns how many there are.
 */
export async function findGonePatients(context: LandingContext, roster: string): Promise<number> {
  const { sql, run } = context
  const before = withReplacedSql(context, landedRosterSql(run.cohort))
  const after = withReplacedSql(context, `temp.${roster}`)
  await sql.run(`CREATE OR REPLACE TEMP TABLE kept_patients AS SELECT patient FROM ${after}`)
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE gone_patients AS
     SELECT b.patient FROM ${before} b ANTI JOIN temp.kept_patients k ON k.patient = b.patient`,
  )
  return sql.count(`SELECT count(*) AS n FROM temp.gone_patients`)
}

async function findLeft({ sql, source }: LandingContext, type: string): Promise<void> {
  const places = `(SELECT rowid AS rid, unnest(_patients) AS patient
    FROM ${mainTable(type)} WHERE _source = ${source})`
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE left_rows AS
     SELECT DISTINCT rid FROM ${places} WHERE patient IN (SELECT patient FROM temp.gone_patients)`,
  )
  await sql.run(
    `DELETE FROM temp.left_rows WHERE rid IN (
       SELECT rid FROM ${places}
       WHERE rid IN (SELECT rid FROM temp.left_rows)
         AND patient IN (SELECT patient FROM temp.kept_patients))`,
  )
}

function lostSql(
  context: LandingContext,
  type: string,
  options: { readonly keys: TypeKeys | undefined; readonly reasons: RemovalReasons },
): string {
  const { source, cohort } = context
  const { keys, reasons } = options
  const told = `id IN (SELECT id FROM temp.deletions WHERE type = ${sqlText(type)})`
  const marks = [
    `${reasons.isTold ? told : 'false'} AS is_told`,
    `${reasons.hasLeavers ? 'rowid IN (SELECT rid FROM temp.left_rows)' : 'false'} AS is_left`,
  ]
  const among = keys === undefined ? '' : `ANTI JOIN ${keysSql(context, keys)} k ON k.id = t.id`
  return `CREATE OR REPLACE TEMP TABLE lost_rows AS
    SELECT rid, t.id, len(_cohorts) = 1 AS is_removed,
      CASE WHEN is_told THEN 'told' WHEN is_left THEN 'left' ELSE 'computed' END AS reason
    FROM (SELECT rowid AS rid, id, _cohorts, ${marks.join(', ')} FROM ${mainTable(type)}
      WHERE _source = ${source} AND list_contains(_cohorts, ${cohort})) t ${among}
    WHERE is_told OR is_left OR ${String(reasons.isComplete)}`
}

async function countLost({ sql }: LandingContext): Promise<RemovalFigures> {
  const counts = await sql.row(
    `SELECT count(*) FILTER (reason = 'told') AS told, count(*) FILTER (reason = 'left') AS gone,
       count(*) FILTER (reason = 'computed') AS computed, count(*) FILTER (is_removed) AS removed
     FROM temp.lost_rows`,
  )
  return {
    deletedTold: numberOf(counts['told']),
    deletedComputed: numberOf(counts['computed']),
    left: numberOf(counts['gone']),
    removed: numberOf(counts['removed']),
  }
}

async function remove(context: LandingContext, type: string, removed: number): Promise<void> {
  const { sql, source, cohort, runId, run } = context
  await sql.run(
    `INSERT INTO sync.deletions
     SELECT ${runId}, ${source}, ${cohort}, ${sqlText(type)}, id, reason, is_removed,
       ${sqlInstant(run.startedAt)} FROM temp.lost_rows`,
  )
  await sql.run(
    `UPDATE ${mainTable(type)} SET _cohorts = list_filter(_cohorts, lambda c: c <> ${cohort})
     WHERE rowid IN (SELECT rid FROM temp.lost_rows WHERE NOT is_removed)`,
  )
  if (removed === 0) return
  await sql.run(
    `DELETE FROM ${mainTable(type)} WHERE rowid IN (SELECT rid FROM temp.lost_rows WHERE is_removed)`,
  )
  if (type === 'Patient') {
    await forgetMerges(context, `SELECT id FROM temp.lost_rows WHERE is_removed`)
  }
}
