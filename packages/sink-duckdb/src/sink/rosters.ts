import type { CohortKey, LandingFile, RosterChange } from '@flatfhir/client'
import { typedSelectSql } from '../columns/typed-select.ts'
import { numberOf, sqlInstant, type SqlRunner } from '../database/sql.ts'
import { ResourceWithoutIdError } from '../errors.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import type { LandingContext } from './landing-context.ts'
import { readLines } from './staging.ts'

const IS_PATIENT = `(raw LIKE '%"Patient"%')`

/** Reads the ids of the Patients in some files into a temporary table of their own. */
export async function stageRoster(
  sql: SqlRunner,
  files: readonly LandingFile[],
  table: string,
): Promise<void> {
  await sql.run(`CREATE OR REPLACE TEMP TABLE ${table} (patient VARCHAR)`)
  await readLines(files, (lines) => {
    const patients = `(SELECT raw FROM ${lines} WHERE ${IS_PATIENT})`
    const ids = typedSelectSql('Patient', { from: patients, columns: ['id'], keep: ['raw'] })
    return sql.connection.run(
      `INSERT INTO temp.${table}
       SELECT DISTINCT id FROM (${ids}) WHERE ${files.every(isOfPatients) ? 'true' : IS_PATIENT_TYPE}`,
    )
  })
  const missing = await sql.count(`SELECT count(*) AS n FROM temp.${table} WHERE patient IS NULL`)
  if (missing > 0) throw new ResourceWithoutIdError('Patient', missing)
}

/** In files of several types, other resources name Patients too. */
const IS_PATIENT_TYPE = `TRY(json_extract_string(raw, '$.resourceType')) = 'Patient'`

function isOfPatients({ type }: LandingFile): boolean {
  return type === 'Patient'
}

/** SQL of the ids of a cohort's landed roster: column `patient`. */
export function landedRosterSql({ source, cohort }: CohortKey): string {
  return `(SELECT patient FROM sync.rosters
    WHERE source = ${sqlText(source)} AND cohort = ${sqlText(cohort)} AND left_at IS NULL)`
}

/** Compares a staged roster with the landed one. */
export async function countRosterChange(
  sql: SqlRunner,
  cohort: CohortKey,
  table: string,
): Promise<Omit<RosterChange, 'joinerIds'>> {
  const counts = await sql.row(
    `SELECT count(s.patient) AS members, count(l.patient) AS before,
       count(*) FILTER (l.patient IS NULL) AS joiners,
       count(*) FILTER (s.patient IS NULL) AS leavers
     FROM temp.${table} s FULL JOIN ${landedRosterSql(cohort)} l ON l.patient = s.patient`,
  )
  return {
    members: numberOf(counts['members']),
    membersBefore: numberOf(counts['before']),
    joiners: numberOf(counts['joiners']),
    leavers: numberOf(counts['leavers']),
  }
}

/** SQL of the ids of a staged roster that the landed one does not have: column `patient`. */
export function joinersSql(cohort: CohortKey, table: string): string {
  return `(SELECT s.patient FROM temp.${table} s
    ANTI JOIN ${landedRosterSql(cohort)} l ON l.patient = s.patient)`
}

/** SQL of the members of a landed roster who joined after an instant: column `patient`. */
export function newcomersSql({ source, cohort }: CohortKey, since: Date): string {
  return `(SELECT patient FROM sync.rosters
    WHERE source = ${sqlText(source)} AND cohort = ${sqlText(cohort)} AND left_at IS NULL
      AND joined_at > ${sqlInstant(since)})`
}

/** Lets spells end and begin, as of the new roster. */
export async function writeRoster(
  { sql, run, source, cohort, runId }: LandingContext,
  table: string,
  asOf: Date,
): Promise<void> {
  const at = sqlInstant(asOf)
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE roster_joiners AS SELECT * FROM ${joinersSql(run.cohort, table)}`,
  )
  await sql.run(
    `UPDATE sync.rosters SET left_at = ${at}, left_run = ${runId}
     WHERE source = ${source} AND cohort = ${cohort} AND left_at IS NULL
       AND patient NOT IN (SELECT patient FROM temp.${table})`,
  )
  await sql.run(
    `INSERT INTO sync.rosters
     SELECT ${source}, ${cohort}, patient, ${at}, NULL, ${runId}, NULL FROM temp.roster_joiners`,
  )
}
