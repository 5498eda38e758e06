import type {
  LandingFacts,
  LandingFile,
  LandingInspection,
  SyncReport,
  Watermark,
} from '@flatfhir/client'
import { basename } from 'node:path'
import { sqlInstant, sqlOptionalNumber, sqlOptionalText, type SqlRunner } from '../database/sql.ts'
import { sqlText } from '../ndjson/sql-text.ts'
import type { LandingContext } from './landing-context.ts'

/** A file of a run, and what it was for. */
export interface NotedFile {
  readonly file: LandingFile
  readonly part: 'all' | 'changes' | 'history' | 'deletions' | 'roster'
}

/** Everything that becomes true with the data, within the landing's transaction. */
export async function writeFacts(
  context: LandingContext,
  facts: LandingFacts,
  noted: {
    readonly files: readonly NotedFile[]
    readonly inspection: LandingInspection
    readonly rosterAt: Date | undefined
  },
): Promise<void> {
  for (const watermark of facts.watermarks) await writeWatermark(context, watermark)
  await writeCohort(context, facts.report, noted.rosterAt)
  await writeFiles(context, noted.files)
  await writeDrift(context, noted.inspection)
  await writeRun(context.sql, facts.report)
}

/** Notes a run, in place of an earlier note of it. */
export async function writeRun(sql: SqlRunner, report: SyncReport): Promise<void> {
  await sql.run(`DELETE FROM sync.runs WHERE run = ${sqlText(report.runId)}`)
  const texts = [report.runId, report.source, report.cohort, report.kind, report.result]
  const instants = [report.startedAt, report.finishedAt, report.transactionTime]
  await sql.run(
    `INSERT INTO sync.runs SELECT coalesce(max(position), 0) + 1, ${texts.map(sqlText).join(', ')},
       ${instants.map(instantOf).join(', ')}, ${sqlText(JSON.stringify(report))}
     FROM sync.runs`,
  )
}

/** What a report holds was written by others too: an instant that is none becomes NULL. */
function instantOf(text: string | undefined): string {
  const milliseconds = Date.parse(text ?? '')
  return sqlInstant(Number.isNaN(milliseconds) ? undefined : new Date(milliseconds))
}

async function writeWatermark(
  { sql, source, cohort, runId }: LandingContext,
  watermark: Watermark,
): Promise<void> {
  const [type, filter] = [sqlText(watermark.type), sqlText(watermark.filter)]
  await sql.run(
    `DELETE FROM sync.watermarks WHERE source = ${source} AND cohort = ${cohort}
       AND type = ${type} AND filter = ${filter}`,
  )
  const { transactionTime, previousTransactionTime } = watermark
  await sql.run(
    `INSERT INTO sync.watermarks VALUES (${source}, ${cohort}, ${type}, ${filter},
       ${sqlInstant(transactionTime)}, ${sqlInstant(previousTransactionTime)}, ${runId})`,
  )
}

async function writeCohort(
  { sql, run, source, cohort, runId }: LandingContext,
  report: SyncReport,
  rosterAt: Date | undefined,
): Promise<void> {
  const fullAt = run.kind === 'full' ? instantOf(report.transactionTime) : sqlInstant(undefined)
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE next_cohort AS
     SELECT coalesce(${sqlInstant(rosterAt)}, max(roster_at)) AS roster_at,
       coalesce(${fullAt}, max(last_full_at)) AS last_full_at
     FROM sync.cohorts WHERE source = ${source} AND cohort = ${cohort}`,
  )
  await sql.run(`DELETE FROM sync.cohorts WHERE source = ${source} AND cohort = ${cohort}`)
  await sql.run(
    `INSERT INTO sync.cohorts
     SELECT ${source}, ${cohort}, roster_at, last_full_at, ${runId} FROM temp.next_cohort`,
  )
}

async function writeFiles(
  { sql, runId }: LandingContext,
  files: readonly NotedFile[],
): Promise<void> {
  const rows = files.map(({ file, part }) => {
    const name = sqlText(basename(file.path))
    const count = sqlOptionalNumber(file.resources)
    const digest = sqlOptionalText(file.sha256)
    return `(${runId}, ${sqlText(part)}, ${sqlText(file.type)}, ${name}, ${file.bytes}, ${count}, ${digest})`
  })
  // There may be tens of thousands, so that one statement would be too long.
  for (let start = 0; start < rows.length; start += 1000) {
    const some = rows.slice(start, start + 1000)
    await sql.run(`INSERT INTO sync.files VALUES ${some.join(', ')}`)
  }
}

async function writeDrift(
  { sql, runId }: LandingContext,
  { types }: LandingInspection,
): Promise<void> {
  for (const { type, drift } of types) {
    if (drift === undefined) continue
    const { missing, outdated, extra } = drift
    await sql.run(
      `INSERT INTO sync.drift
       VALUES (${runId}, ${sqlText(type)}, ${missing}, ${outdated}, ${extra})`,
    )
  }
}
