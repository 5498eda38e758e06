import type { CohortResult, SyncReport, SyncResult, SyncRunsReport } from '@flatfhir/client'
import { BulkDataError } from '@flatfhir/protocol'
import { Cron } from 'croner'
import type { Connection } from '../../../connection/connection.ts'
import { formatSeconds } from '../../../output/format-number.ts'
import { alarmLines, syncHeadline, syncLogFields } from '../../../output/sync-report-text.ts'
import { BackOff } from './back-off.ts'
import type { DaemonLog } from './daemon-log.ts'
import { needsOf } from './connection-needs.ts'
import { RunQueue } from './run-queue.ts'

/** What the daemon needs. */
export interface SyncDaemonOptions {
  readonly log: DaemonLog
  /** Brings one connection in step. */
  readonly run: (connection: Connection) => Promise<SyncRunsReport>
  /** Reads a connection file again. */
  readonly read: (name: string) => Promise<Connection>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Runs end because they are asked to. */
  readonly signal: AbortSignal
}

interface Scheduled {
  connection: Connection
  cron: Cron | undefined
  readonly backOff: BackOff
  retry: NodeJS.Timeout | undefined
}

/**
 * Runs connections when their schedules say so.
 *
 * A connection never runs twice at a time, nor beside another of the same source. Times that come
 * while it waits or runs are one time more, not several. What fails is left alone for a while, and
 * never ends the daemon.
 */
export class SyncDaemon {
  readonly #options: SyncDaemonOptions
  readonly #queue = new RunQueue()
  readonly #scheduled = new Map<string, Scheduled>()
  readonly #results = new Map<string, SyncResult>()

  constructor(options: SyncDaemonOptions) {
    this.#options = options
  }

  /** Follows the schedules of some connections from now on. */
  start(connections: readonly Connection[]): void {
    for (const connection of connections) {
      const scheduled = this.#add(connection)
      this.#schedule(scheduled)
      this.#tellNext(scheduled, 'scheduled')
    }
  }

  /** Runs each connection once. @returns what became of them. */
  async runOnce(connections: readonly Connection[]): Promise<readonly SyncResult[]> {
    for (const connection of connections) this.#due(this.#add(connection))
    await this.#queue.idle()
    return [...this.#results.values()]
  }

  /** Reads every connection file again; what cannot be read stays as it was. */
  async reload(): Promise<void> {
    for (const [name, scheduled] of this.#scheduled) {
      try {
        scheduled.connection = await this.#options.read(name)
        // Whatever made it fail may have been put right.
        this.#clearBackOff(scheduled)
        this.#schedule(scheduled)
        this.#tellNext(scheduled, 'reloaded')
      } catch (error) {
        this.#options.log.write({
          event: 'reload-failed',
          connection: name,
          text: `could not be read again, and stays as it was: ${messageOf(error)}`,
          isProblem: true,
          fields: { code: codeOf(error) },
        })
      }
    }
  }

  /** Starts nothing more. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#queue.close()
    for (const scheduled of this.#scheduled.values()) {
      scheduled.cron?.stop()
      clearTimeout(scheduled.retry)
    }
    await this.#queue.idle()
  }

  #add(connection: Connection): Scheduled {
    const scheduled = { connection, cron: undefined, backOff: new BackOff(), retry: undefined }
    this.#scheduled.set(connection.name, scheduled)
    return scheduled
  }

  #schedule(scheduled: Scheduled): void {
    scheduled.cron?.stop()
    const { schedule, timeZone } = scheduled.connection.sync
    if (schedule === undefined) return
    const zone = timeZone === undefined ? {} : { timezone: timeZone }
    scheduled.cron = new Cron(schedule, zone, () => {
      if (!scheduled.backOff.isResting(this.#options.now())) this.#due(scheduled)
    })
  }

  #due(scheduled: Scheduled): void {
    const { name } = scheduled.connection
    const isBusy = this.#queue.isRunning(name)
    const isNew = this.#queue.due({
      name,
      needs: needsOf(scheduled.connection),
      run: async () => this.#run(scheduled),
    })
    if (isNew && isBusy) {
      this.#options.log.write({
        event: 'run-deferred',
        connection: name,
        text: 'is due again while it runs: once more afterwards',
      })
    }
  }

  async #run(scheduled: Scheduled): Promise<void> {
    const { connection, backOff } = scheduled
    this.#options.log.write({
      event: 'run-started',
      connection: connection.name,
      text: 'run started',
    })
    try {
      const { result, cohorts } = await this.#options.run(connection)
      this.#results.set(connection.name, result)
      for (const cohort of cohorts) {
        for (const report of cohort.reports) this.#tell(connection, report)
      }
      const failed = cohorts.find(({ error }) => error !== undefined)
      if (failed !== undefined) this.#failed(scheduled, failed)
      else if (result === 'committed') this.#clearBackOff(scheduled)
      else backOff.failed(this.#options.now())
    } catch (error) {
      if (this.#options.signal.aborted) this.#tellInterrupted(connection)
      else this.#failed(scheduled, { error })
    }
  }

  #clearBackOff(scheduled: Scheduled): void {
    scheduled.backOff.succeeded()
    clearTimeout(scheduled.retry)
    scheduled.retry = undefined
  }

  #failed(
    scheduled: Scheduled,
    { error, key }: { readonly error?: unknown; readonly key?: CohortResult['key'] },
  ): void {
    const { connection, backOff } = scheduled
    this.#results.set(connection.name, 'failed')
    const waitMs = backOff.failed(this.#options.now())
    const retryable = BulkDataError.is(error) && error.retryable && scheduled.cron !== undefined
    if (retryable) {
      clearTimeout(scheduled.retry)
      scheduled.retry = setTimeout(() => {
        this.#due(scheduled)
      }, waitMs)
    }
    const next = retryable
      ? `again in ${formatSeconds(waitMs / 1000)}`
      : `left alone for ${formatSeconds(waitMs / 1000)} at least`
    this.#options.log.write({
      event: 'run-failed',
      connection: connection.name,
      text: `${key === undefined ? '' : `${key.cohort}: `}failed: ${messageOf(error)} (${next})`,
      isProblem: true,
      fields: { cohort: key?.cohort, code: codeOf(error), retryable, waitMs },
    })
  }

  #tell(connection: Connection, report: SyncReport): void {
    const isCommitted = report.result === 'committed'
    for (const text of alarmLines(report)) {
      const { name } = connection
      this.#options.log.write({ event: 'alarm', connection: name, text, isProblem: true })
    }
    this.#options.log.write({
      event: isCommitted ? 'run-committed' : 'run-stopped',
      connection: connection.name,
      text: syncHeadline(report),
      isProblem: !isCommitted,
      fields: syncLogFields(report),
    })
  }

  #tellInterrupted(connection: Connection): void {
    this.#options.log.write({
      event: 'run-interrupted',
      connection: connection.name,
      text: 'interrupted; the next run goes on where it was',
    })
  }

  #tellNext({ connection, cron }: Scheduled, event: 'scheduled' | 'reloaded'): void {
    const next = cron?.nextRun()?.toISOString()
    const when = next === undefined ? 'never runs by itself' : `next run at ${next}`
    this.#options.log.write({
      event,
      connection: connection.name,
      text: event === 'reloaded' ? `read again; ${when}` : when,
      fields: { next },
    })
  }
}

function messageOf(error: unknown): string {
  if (!BulkDataError.is(error)) return 'unexpected failure'
  const nextStep = error.nextStep === undefined ? '' : ` ${error.nextStep}`
  return `${error.message}.${nextStep} [${error.code}]`
}

function codeOf(error: unknown): string {
  return BulkDataError.is(error) ? error.code : 'UNEXPECTED'
}
