import type { CohortKey, SyncReport, SyncState, Watermark } from '@flatfhir/client'
import { numberOf, type SqlRow, type SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import { landedRosterSql } from './rosters.ts'

/** What is landed of a cohort. */
export async function readState(sql: SqlRunner, key: CohortKey): Promise<SyncState> {
  const where = `WHERE source = ${sqlText(key.source)} AND cohort = ${sqlText(key.cohort)}`
  const watermarks = await sql.rows(`SELECT * FROM sync.watermarks ${where} ORDER BY type, filter`)
  const cohort = await sql.row(`SELECT * FROM sync.cohorts ${where}`)
  const members = await sql.count(`SELECT count(*) AS n FROM ${landedRosterSql(key)}`)
  const [rosterAt, lastFullAt] = [cohort['roster_at'], cohort['last_full_at']]
  const lastRunId = cohort['last_run']
  return {
    watermarks: watermarks.map(watermarkOf),
    members,
    ...(rosterAt instanceof Date && { rosterAt }),
    ...(lastFullAt instanceof Date && { lastFullAt }),
    ...(typeof lastRunId === 'string' && { lastRunId }),
  }
}

function watermarkOf(row: SqlRow): Watermark {
  const [transactionTime, previous] = [row['transaction_time'], row['previous_transaction_time']]
  return {
    type: String(row['type']),
    filter: String(row['filter']),
    transactionTime: transactionTime instanceof Date ? transactionTime : new Date(0),
    ...(previous instanceof Date && { previousTransactionTime: previous }),
  }
}

/** Reports of the latest runs, newest first. */
export async function readRuns(
  sql: SqlRunner,
  options: { readonly limit: number; readonly source?: string },
): Promise<readonly SyncReport[]> {
  const where = options.source === undefined ? '' : `WHERE source = ${sqlText(options.source)}`
  const limit = Math.max(0, Math.floor(options.limit))
  const rows = await sql.rows(
    `SELECT report FROM sync.runs ${where} ORDER BY position DESC LIMIT ${limit}`,
  )
  // Written by ourselves, from such a report.
  return rows.map(({ report }) => JSON.parse(String(report)) as SyncReport)
}

/** Whether a run has been committed. */
export async function isCommitted(sql: SqlRunner, runId: string): Promise<boolean> {
  const row = await sql.row(
    `SELECT count(*) AS n FROM sync.runs
     WHERE run = ${sqlText(runId)} AND result = 'committed'`,
  )
  return numberOf(row['n']) > 0
}
