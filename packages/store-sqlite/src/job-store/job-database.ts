import type { OutcomeIssue } from '@flatfhir/protocol'
import type { Job, JobPartition, NewJob, OutputFile, Partition } from '@flatfhir/server'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { inTransaction, migrate, openDatabase } from '../database.ts'
import {
  jobOf,
  jobValues,
  outputFileOf,
  outputFileValues,
  type JobRow,
  type OutputFileRow,
} from './rows.ts'
import { JOB_MIGRATIONS } from './schema.ts'

const CACHE_KIB = 8 * 1024
const UNFINISHED = `state IN ('accepted', 'running')`

type Database = Pick<DatabaseSyncInstance, 'exec' | 'prepare' | 'close' | 'isTransaction'>
type Statement = ReturnType<Database['prepare']>

/**
 * The tables behind `SqliteJobStore`, synchronously; lives in the store's worker thread. The methods
 * are those of `JobStore`, which says what they do.
 */
export class JobDatabase {
  readonly #database: DatabaseSyncInstance
  readonly #statements = new Map<string, Statement>()

  /** Opens the database, made if it is not there, and brings it to the newest schema. */
  constructor(path: string) {
    this.#database = openDatabase(path, { cacheKib: CACHE_KIB })
    this.#database.exec('PRAGMA foreign_keys = ON')
    migrate(this.#database, JOB_MIGRATIONS)
  }

  insert(job: NewJob): void {
    this.#insert('job', { ...jobValues(job), state: 'accepted' })
  }

  find(jobId: string): Job | undefined {
    const row = this.#sql('SELECT * FROM job WHERE job_id = ?').get(jobId) as JobRow | undefined
    return row && jobOf(row)
  }

  unfinished(): readonly Job[] {
    const rows = this.#sql(`SELECT * FROM job WHERE ${UNFINISHED} ORDER BY number`).all()
    return (rows as JobRow[]).map(jobOf)
  }

  countUnfinished(clientId: string | undefined): number {
    const sql = `SELECT count(*) AS count FROM job WHERE ${UNFINISHED} AND client_id IS ?`
    return (this.#sql(sql).get(clientId ?? null) as { count: number }).count
  }

  savePlan(jobId: string, partitions: readonly Partition[]): void {
    inTransaction(this.#database, () => {
      const sql = `UPDATE job SET state = 'running' WHERE job_id = ? AND state = 'accepted'`
      if (this.#changes(sql, jobId) === 0) return
      for (const [index, partition] of partitions.entries()) {
        this.#insert('partition', {
          job_id: jobId,
          partition_index: index,
          partition: JSON.stringify(partition),
        })
      }
    })
  }

  partitions(jobId: string): readonly JobPartition[] {
    const rows = this.#sql(
      `SELECT partition_index, partition, committed FROM partition
       WHERE job_id = ? ORDER BY partition_index`,
    ).all(jobId) as { partition_index: number; partition: string; committed: number }[]
    return rows.map((row) => ({
      index: row.partition_index,
      partition: JSON.parse(row.partition) as Partition,
      committed: row.committed === 1,
    }))
  }

  beginAttempt(jobId: string, index: number): number {
    // In the write-ahead log an unflushed commit survives the end of the process.
    this.#database.exec('PRAGMA synchronous = NORMAL')
    try {
      const row = this.#sql(
        `UPDATE partition SET attempts = attempts + 1
         WHERE job_id = ? AND partition_index = ? AND committed = 0 AND ${OF_A_RUNNING_JOB}
         RETURNING attempts`,
      ).get(jobId, index) as { attempts: number } | undefined
      return row?.attempts ?? 0
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL')
    }
  }

  commitPartition(jobId: string, index: number, files: readonly OutputFile[]): boolean {
    return inTransaction(this.#database, () => {
      const sql = `UPDATE partition SET committed = 1
         WHERE job_id = ? AND partition_index = ? AND committed = 0 AND ${OF_A_RUNNING_JOB}`
      if (this.#changes(sql, jobId, index) === 0) return false
      const before = this.countFiles(jobId)
      for (const [ordinal, file] of files.entries()) {
        const committed_as = before + ordinal + 1
        const place = { job_id: jobId, partition_index: index, ordinal, committed_as }
        this.#insert('output_file', { ...place, ...outputFileValues(file) })
      }
      return true
    })
  }

  complete(jobId: string, times: { completedAt: Date; expiresAt: Date }): boolean {
    const sql = `UPDATE job SET state = 'complete', completed_at_ms = ?, expires_at_ms = ?
       WHERE job_id = ? AND state = 'running' AND NOT EXISTS (
         SELECT 1 FROM partition WHERE partition.job_id = job.job_id AND committed = 0)`
    const { completedAt, expiresAt } = times
    return this.#changes(sql, completedAt.getTime(), expiresAt.getTime(), jobId) > 0
  }

  fail(jobId: string, failure: { issue: OutcomeIssue; expiresAt: Date }): boolean {
    const sql = `UPDATE job SET state = 'failed', issue = ?, expires_at_ms = ?
       WHERE job_id = ? AND ${UNFINISHED}`
    const { issue, expiresAt } = failure
    return this.#changes(sql, JSON.stringify(issue), expiresAt.getTime(), jobId) > 0
  }

  files(jobId: string): readonly OutputFile[] {
    const sql = `SELECT * FROM output_file WHERE job_id = ? ORDER BY partition_index, ordinal`
    return (this.#sql(sql).all(jobId) as OutputFileRow[]).map(outputFileOf)
  }

  committedFiles(
    jobId: string,
    { skip, limit }: { readonly skip: number; readonly limit: number },
  ): readonly OutputFile[] {
    const sql = `SELECT * FROM output_file WHERE job_id = ? AND committed_as > ?
       ORDER BY committed_as LIMIT ?`
    return (this.#sql(sql).all(jobId, skip, limit) as OutputFileRow[]).map(outputFileOf)
  }

  countFiles(jobId: string): number {
    const sql = 'SELECT count(*) AS count FROM output_file WHERE job_id = ?'
    return (this.#sql(sql).get(jobId) as { count: number }).count
  }

  findFile(jobId: string, fileId: string): OutputFile | undefined {
    const sql = 'SELECT * FROM output_file WHERE job_id = ? AND file_id = ?'
    const row = this.#sql(sql).get(jobId, fileId) as OutputFileRow | undefined
    return row && outputFileOf(row)
  }

  delete(jobId: string): boolean {
    return this.#changes('DELETE FROM job WHERE job_id = ?', jobId) > 0
  }

  expired(at: Date): readonly string[] {
    const sql = 'SELECT job_id FROM job WHERE expires_at_ms <= ? ORDER BY expires_at_ms'
    return (this.#sql(sql).all(at.getTime()) as { job_id: string }[]).map((row) => row.job_id)
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #sql(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #changes(sql: string, ...values: readonly (string | number)[]): number {
    return this.#sql(sql).run(...values).changes
  }

  #insert(table: string, values: Readonly<Record<string, string | number | null>>): void {
    const columns = Object.keys(values)
    const places = columns.map(() => '?')
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places.join(', ')})`
    this.#sql(sql).run(...Object.values(values))
  }
}

const OF_A_RUNNING_JOB = `EXISTS (
  SELECT 1 FROM job WHERE job.job_id = partition.job_id AND state = 'running')`
