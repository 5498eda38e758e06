import type {
  Landing,
  LandingFacts,
  LandingFile,
  LandingInspection,
  LandingPart,
} from '@flatfhir/client'
import { applyLanding, ROSTER } from './apply-landing.ts'
import { type NotedFile, writeFacts } from './bookkeeping.ts'
import { makeDeletions, stageDeletions } from './deletions.ts'
import type { LandingContext } from './landing-context.ts'
import { stageRoster, writeRoster } from './rosters.ts'
import { Staging } from './staging.ts'

/**
 * One landing: staging → inspected → committed, or disposed of.
 *
 * Lines are staged in temporary tables of a connection of its own. `inspect` begins a transaction and
 * does everything in it; `commit` adds the bookkeeping and ends it. Whatever happens before that leaves
 * no trace: DuckDB forgets a transaction that was not committed, also when the process is killed.
 */
export class DuckDbLanding implements Landing {
  readonly #context: LandingContext
  readonly #staging: Staging
  readonly #release: () => void
  readonly #files: NotedFile[] = []
  #state: 'staging' | 'inspected' | 'committed' | 'disposed' = 'staging'
  #inspection: LandingInspection | undefined
  #hasAll = false
  #rosterAt: Date | undefined

  /** @param release - Called once, when the landing is disposed of. */
  constructor(context: LandingContext, release: () => void) {
    this.#context = context
    this.#staging = new Staging(context)
    this.#release = release
  }

  /** Makes what staging needs. To be called once, before anything else. */
  async prepare(): Promise<this> {
    await makeDeletions(this.#context.sql)
    return this
  }

  async write(files: readonly LandingFile[], part: LandingPart): Promise<void> {
    this.#expect('staging')
    if (part === 'all') this.#hasAll = true
    await this.#staging.add(files, part)
    this.#note(files, part)
  }

  async delete(files: readonly LandingFile[]): Promise<void> {
    this.#expect('staging')
    await stageDeletions(this.#context.sql, files)
    this.#note(files, 'deletions')
  }

  async setRoster(files: readonly LandingFile[], asOf: Date): Promise<void> {
    this.#expect('staging')
    await stageRoster(this.#context.sql, files, ROSTER)
    this.#rosterAt = asOf
    this.#note(files, 'roster')
  }

  async inspect(): Promise<LandingInspection> {
    if (this.#inspection !== undefined) return this.#inspection
    this.#expect('staging')
    this.#state = 'inspected'
    this.#inspection = await applyLanding(this.#context, {
      staging: this.#staging,
      hasAll: this.#hasAll,
      hasRoster: this.#rosterAt !== undefined,
    })
    return this.#inspection
  }

  async commit(facts: LandingFacts): Promise<void> {
    const inspection = await this.inspect()
    this.#expect('inspected')
    const { sql } = this.#context
    if (this.#rosterAt !== undefined) await writeRoster(this.#context, ROSTER, this.#rosterAt)
    const rosterAt = this.#rosterAt
    await writeFacts(this.#context, facts, { files: this.#files, inspection, rosterAt })
    // Flushed to the disk when it returns, be it to the write-ahead log or to the database.
    await sql.run('COMMIT')
    this.#state = 'committed'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'disposed') return
    this.#state = 'disposed'
    // Ends the transaction that is open, and with it everything that it did.
    this.#context.sql.connection.closeSync()
    this.#release()
  }

  #note(files: readonly LandingFile[], part: NotedFile['part']): void {
    this.#files.push(...files.map((file) => ({ file, part })))
  }

  #expect(state: 'staging' | 'inspected'): void {
    if (this.#state !== state) throw new TypeError(`The landing is ${this.#state}, not ${state}`)
  }
}
