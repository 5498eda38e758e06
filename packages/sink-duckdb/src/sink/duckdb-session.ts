import type {
  CohortKey,
  Landing,
  LandingFile,
  LandingRun,
  RosterChange,
  SinkSession,
  SyncReport,
  SyncState,
} from '@flatfhir/client'
import type { DuckDb } from '../database/open-duckdb.ts'
import { SqlRunner } from '../database/sql.ts'
import { RunAlreadyCommittedError } from '../errors.ts'
import { writeRun } from './bookkeeping.ts'
import { DuckDbLanding } from './duckdb-landing.ts'
import { landingContext } from './landing-context.ts'
import { isCommitted, readRuns, readState } from './read-state.ts'
import { countRosterChange, joinersSql, stageRoster } from './rosters.ts'

const COMPARED = 'compared_roster'

/** Brings what is derived from the data to the state of the last commit. */
export type Publisher = (sql: SqlRunner) => Promise<void>

/** A DuckDB warehouse that is open; nobody else has it meanwhile. */
export class DuckDbSession implements SinkSession {
  readonly #db: DuckDb
  readonly #sql: SqlRunner
  readonly #publisher: Publisher
  #landing: DuckDbLanding | undefined
  #isClosed = false
  #isChanged = false

  constructor(db: DuckDb, sql: SqlRunner, publisher: Publisher) {
    this.#db = db
    this.#sql = sql
    this.#publisher = publisher
  }

  async readState(cohort: CohortKey): Promise<SyncState> {
    return readState(this.#sql, cohort)
  }

  async compareRoster(
    cohort: CohortKey,
    files: readonly LandingFile[],
    { maxJoinerIds }: { readonly maxJoinerIds: number },
  ): Promise<RosterChange> {
    await stageRoster(this.#sql, files, COMPARED)
    const change = await countRosterChange(this.#sql, cohort, COMPARED)
    const joiners = await this.#sql.rows(
      `SELECT patient FROM ${joinersSql(cohort, COMPARED)} ORDER BY patient
       LIMIT ${Math.max(0, Math.floor(maxJoinerIds))}`,
    )
    await this.#sql.run(`DROP TABLE temp.${COMPARED}`)
    return { ...change, joinerIds: joiners.map(({ patient }) => String(patient)) }
  }

  async begin(run: LandingRun): Promise<Landing> {
    if (this.#landing !== undefined) throw new TypeError('Another landing of this session is open')
    if (await isCommitted(this.#sql, run.id)) throw new RunAlreadyCommittedError(run.id)
    this.#isChanged = true
    const sql = new SqlRunner(await this.#db.connect())
    const release = (): void => {
      this.#landing = undefined
    }
    this.#landing = new DuckDbLanding(landingContext(sql, run), release)
    return this.#landing.prepare()
  }

  async recordRun(report: SyncReport): Promise<void> {
    if (await isCommitted(this.#sql, report.runId)) return
    this.#isChanged = true
    await this.#sql.run('BEGIN')
    await writeRun(this.#sql, report)
    await this.#sql.run('COMMIT')
  }

  async runs(options: {
    readonly limit: number
    readonly source?: string
  }): Promise<readonly SyncReport[]> {
    return readRuns(this.#sql, options)
  }

  async publish(): Promise<void> {
    this.#isChanged = true
    await this.#publisher(this.#sql)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await this.#landing?.[Symbol.asyncDispose]()
      // Closing would do it too, but it would keep the event loop from running meanwhile.
      if (this.#isChanged) await this.#sql.run('CHECKPOINT')
    } finally {
      this.#sql.connection.closeSync()
      await this.#db[Symbol.asyncDispose]()
    }
  }
}
