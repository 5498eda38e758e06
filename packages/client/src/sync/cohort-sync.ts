import { systemClock } from '../clock.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import type { CohortContext } from './cohort-context.ts'
import { CohortFolder, type ProviderAccess } from './cohort-folder.ts'
import { fileCounts, gatherExports, type Gathered } from './gather-exports.ts'
import { landRun, recordStop } from './land-run.ts'
import { isReconcileDue, newRunId, planRun, type RunPlan } from './run-plan.ts'
import type { DiscardReason } from './sync-event.ts'
import type { SyncOptions } from './sync-options.ts'
import type { SyncReport } from './sync-report.ts'
import { definitionOf, type SyncCohort, type SyncSettings } from './sync-settings.ts'
import type { SyncState } from './sync-state.ts'
import { plannedProfile, sourceProfile } from './source-profile.ts'

/** Among so many runs of a source that of the last commit is found. */
const MANY_RUNS = 1000

type Want = 'asked' | 'reconcile-due' | undefined

/**
 * The runs of one cohort.
 *
 * A run is *planned* (`run.json` is on the disk) → *exporting* → *landing* → *committed* or
 * *stopped* → cleaned up. What of it is done is told by the journals of its exports, and whether it
 * is committed by the sink alone; so whoever finds a plan knows how to go on:
 *
 * - the sink has committed the run: it is published, and its folder is cleaned up;
 * - the sink has committed another one since, or the connection is defined otherwise now: what was
 *   exported is of no use, and is thrown away;
 * - otherwise the exports go on where they were, and are landed.
 */
export class CohortSync {
  readonly #options: SyncOptions
  readonly #settings: SyncSettings
  readonly #cohort: SyncCohort
  readonly #folder: CohortFolder

  constructor(options: SyncOptions, settings: SyncSettings, cohort: SyncCohort) {
    this.#options = options
    this.#settings = settings
    this.#cohort = cohort
    this.#folder = new CohortFolder(options.workDirectory, cohort.key)
  }

  /**
   * Brings the cohort in step: one run, and a full one after it where that is due.
   *
   * @param done - Told of each run as it ends, so that an error does not hide the runs before it.
   */
  async run(done: (report: SyncReport) => void): Promise<void> {
    const asked = this.#options.full === true ? 'asked' : undefined
    const first = await this.#next(asked)
    done(first)
    if (first.result === 'stopped' || first.kind === 'full') return
    const want = asked ?? (await this.#dueReason())
    if (want !== undefined) done(await this.#next(want))
  }

  async #next(want: Want): Promise<SyncReport> {
    const state = await this.#readState()
    const stored = await this.#folder.readPlan()
    if (stored !== undefined && stored.runId === state.lastRunId) {
      const report = await this.#finishCommitted(stored.runId)
      if (report !== undefined) return report
    }
    const isOurs = stored?.definition === definitionOf(this.#options.connection, this.#cohort)
    if (isOurs && stored.basedOn === state.lastRunId) {
      return this.#perform(
        this.#context(plannedProfile(stored.profile, this.#options)),
        stored,
        true,
      )
    }
    if (stored !== undefined) {
      await this.#clear(stored.runId, isOurs ? 'sink-moved-on' : 'connection-changed')
    }
    const context = this.#context(await sourceProfile(this.#options))
    const { settings, definition, profile } = context
    const plan = planRun({ state, settings, definition, profile, now: this.#now(), want })
    // Whatever is there without a plan belongs to a run that was being cleaned up.
    await this.#clear(plan.runId, 'left-behind')
    await this.#folder.writePlan(plan)
    return this.#perform(context, plan, false)
  }

  async #perform(context: CohortContext, plan: RunPlan, resumed: boolean): Promise<SyncReport> {
    const { runId, kind, fullReasons, since } = plan
    context.emit({ type: 'run-planned', runId, kind, fullReasons, since, resumed })
    const gathered = await gatherExports(context, plan)
    const report =
      gathered.alarms.length > 0
        ? await recordStop(context, gathered)
        : await landRun(context, gathered)
    await this.#finish(report, gathered)
    return report
  }

  async #finish(report: SyncReport, gathered: Gathered): Promise<void> {
    await this.#folder.writeReport(report)
    const isKept = report.result === 'stopped' && (await this.#keep(report, gathered))
    if (!isKept) {
      await this.#clear(report.runId, report.result === 'stopped' ? 'stopped' : 'landed')
    }
    this.#emit({ type: 'run-finished', runId: report.runId, report })
  }

  /**
   * Keeps what an incomplete export has, for the next run to fetch the rest; unless that has been
   * tried, and brought nothing.
   */
  async #keep({ alarms }: SyncReport, { plan, exports }: Gathered): Promise<boolean> {
    if (!alarms.some(({ code, accepted }) => code === 'EXPORT_INCOMPLETE' && !accepted)) {
      return false
    }
    const { complete } = fileCounts(exports)
    if (plan.stoppedAtFiles !== undefined && complete <= plan.stoppedAtFiles) return false
    // Its report is in the history; what comes of it next is another entry there.
    const runId = newRunId(this.#now())
    await this.#folder.writePlan({ ...plan, runId, stoppedAtFiles: complete })
    return true
  }

  /** What was left to be done when the process died after the commit. */
  async #finishCommitted(runId: string): Promise<SyncReport | undefined> {
    const report = await this.#publishAgain(runId)
    if (report === undefined) return undefined
    this.#emit({ type: 'published', runId })
    await this.#folder.writeReport(report)
    await this.#clear(runId, 'landed')
    this.#emit({ type: 'run-finished', runId, report })
    return report
  }

  async #publishAgain(runId: string): Promise<SyncReport | undefined> {
    await using session = await this.#options.sink.open()
    await session.publish()
    const { source } = this.#cohort.key
    const reports = await session.runs({ limit: MANY_RUNS, source })
    return reports.find((report) => report.runId === runId)
  }

  async #readState(): Promise<SyncState> {
    await using session = await this.#options.sink.open()
    return await session.readState(this.#cohort.key)
  }

  async #dueReason(): Promise<Want> {
    const state = await this.#readState()
    return isReconcileDue(state, this.#settings, this.#now()) ? 'reconcile-due' : undefined
  }

  async #clear(runId: string, reason: DiscardReason): Promise<void> {
    const hasExports = (await this.#folder.exportNames()).length > 0
    await this.#folder.clear(this.#access())
    if (hasExports) this.#emit({ type: 'discarded', runId, reason })
  }

  #context(profile: ProviderProfile): CohortContext {
    const { accept = [] } = this.#options
    return {
      ...this.#cohort,
      options: this.#options,
      settings: this.#settings,
      folder: this.#folder,
      profile,
      definition: definitionOf(this.#options.connection, this.#cohort),
      access: this.#access(),
      emit: (event) => {
        this.#emit(event)
      },
      now: () => this.#now(),
      accepts: (code) => accept.includes(code),
    }
  }

  #access(): ProviderAccess {
    const { connection, accessToken, dispatcher, clock, random, signal } = this.#options
    const { concurrency, verificationThreads, maxRetryAfterSeconds, idleTimeoutMs } = this.#options
    const { maxAttempts, maxThrottles, maxLineBytes, maxDecompressionRatio } = this.#options
    const { headers, profile } = connection
    return {
      ...{ headers, accessToken, dispatcher, clock, random, signal },
      ...{ concurrency, verificationThreads, maxRetryAfterSeconds, idleTimeoutMs },
      ...{ maxAttempts, maxThrottles, maxLineBytes, maxDecompressionRatio },
      ...(typeof profile === 'object' && { profile }),
    }
  }

  /** Tells of an event. Between two steps is where an aborted run ends. */
  #emit(event: Parameters<CohortContext['emit']>[0]): void {
    const { onEvent, signal } = this.#options
    onEvent?.({ ...event, cohort: this.#cohort.key.cohort })
    // An export has its own manners when it is aborted.
    if (event.type !== 'export-event') signal?.throwIfAborted()
  }

  #now(): Date {
    return (this.#options.clock ?? systemClock).now()
  }
}
