import type { LandingRun } from '@flatfhir/client'
import type { SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'

/** What all steps of one landing know. */
export interface LandingContext {
  /** A connection of the landing's own: its temporary tables end with it. */
  readonly sql: SqlRunner
  readonly run: LandingRun
  /** SQL literals. */
  readonly source: string
  readonly cohort: string
  readonly runId: string
}

/** Puts together what all steps of a landing know. */
export function landingContext(sql: SqlRunner, run: LandingRun): LandingContext {
  return {
    sql,
    run,
    source: sqlText(run.cohort.source),
    cohort: sqlText(run.cohort.cohort),
    runId: sqlText(run.id),
  }
}
