import { SyncSupersededError } from '../errors.ts'
import { clockAlarms, incompleteAlarm, landingAlarms, type RaisedAlarm } from './alarms.ts'
import type { CohortContext } from './cohort-context.ts'
import { fileCounts, type Gathered, needsRosterExport } from './gather-exports.ts'
import { previousOf, rosterFiles } from './gather-exports.ts'
import { landingFiles, type RunExport } from './run-exports.ts'
import { instantMs, knownWatermarks } from './run-plan.ts'
import { plannedProfile } from './source-profile.ts'
import type { Landing, LandingInspection, LandingPart, LandingRun, SinkSession } from './sink.ts'
import { SYNC_REPORT_VERSION, type SyncAlarm, type SyncReport } from './sync-report.ts'
import type { SyncState, Watermark } from './sync-state.ts'

/**
 * Lands what a run has exported, in one commit with its watermarks and its report; or stops before.
 *
 * @returns The report, of a committed or a stopped run. It is recorded in the sink either way.
 * @throws {@link SyncSupersededError}; what the sink throws. Nothing is landed then.
 */
export async function landRun(context: CohortContext, gathered: Gathered): Promise<SyncReport> {
  const { options, key, emit } = context
  const { runId, basedOn } = gathered.plan
  const run = new RunLanding(context, gathered)
  await using session = await options.sink.open()
  const state = await session.readState(key)
  if (state.lastRunId !== basedOn) throw new SyncSupersededError()
  emit({ type: 'landing-begun', runId })
  const report = await run.land(session, state)
  if (report.result === 'stopped') {
    await session.recordRun(report)
    return report
  }
  emit({ type: 'committed', runId })
  await session.publish()
  emit({ type: 'published', runId })
  return report
}

/** The report of a run that stops before anything of it is staged; recorded in the sink. */
export async function recordStop(context: CohortContext, gathered: Gathered): Promise<SyncReport> {
  const run = new RunLanding(context, gathered)
  const alarms = run.tell(gathered.alarms)
  const report = run.report({ result: 'stopped', alarms })
  await using session = await context.options.sink.open()
  await session.recordRun(report)
  return report
}

/** Severities of OperationOutcomes that say that something is not in the export. */
const ERRORS: ReadonlySet<string> = new Set(['error', 'fatal'])

class RunLanding {
  readonly #context: CohortContext
  readonly #gathered: Gathered
  readonly #startedMs: number
  /** Whether every export is complete. Otherwise absence means nothing, and no watermark moves. */
  readonly #isComplete: boolean

  constructor(context: CohortContext, gathered: Gathered) {
    this.#context = context
    this.#gathered = gathered
    this.#startedMs = context.now().getTime()
    this.#isComplete = gathered.exports.every(({ report }) => report.verdict === 'complete')
  }

  async land(session: SinkSession, state: SyncState): Promise<SyncReport> {
    const { emit } = this.#context
    const { plan } = this.#gathered
    await using landing = await session.begin(this.#run())
    await this.#stage(landing)
    const inspection = await landing.inspect()
    emit({ type: 'landing-inspected', runId: plan.runId, landing: inspection })
    const alarms = this.tell(this.#alarms(inspection, state))
    const isStopped = alarms.some(({ accepted }) => !accepted)
    const result = isStopped ? 'stopped' : 'committed'
    const report = this.report({ result, alarms, landing: inspection })
    if (!isStopped) await landing.commit({ watermarks: this.#watermarks(state), report })
    return report
  }

  /** Tells of alarms, and whether the caller accepts them. */
  tell(raised: readonly RaisedAlarm[]): readonly SyncAlarm[] {
    const { accepts, emit } = this.#context
    const { runId } = this.#gathered.plan
    const alarms = raised.map((alarm) => ({ ...alarm, accepted: accepts(alarm.code) }))
    for (const alarm of alarms) emit({ type: 'alarm', runId, alarm })
    return alarms
  }

  report(outcome: Pick<SyncReport, 'result' | 'alarms' | 'landing'>): SyncReport {
    const { plan, accounts } = this.#gathered
    const { key, now } = this.#context
    const finishedAt = now()
    const isMoving = outcome.result === 'committed' && this.#isComplete
    return {
      reportVersion: SYNC_REPORT_VERSION,
      runId: plan.runId,
      ...key,
      kind: plan.kind,
      fullReasons: plan.fullReasons,
      startedAt: plan.startedAt,
      finishedAt: finishedAt.toISOString(),
      ...(isMoving && { transactionTime: this.#transactionTime().toISOString() }),
      ...(plan.previousTransactionTime !== undefined && {
        previousTransactionTime: plan.previousTransactionTime,
      }),
      exports: accounts,
      ...outcome,
      timings: {
        exportMs: accounts.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
        landingMs: finishedAt.getTime() - this.#startedMs,
        totalMs: finishedAt.getTime() - Date.parse(plan.startedAt),
      },
    }
  }

  #run(): LandingRun {
    const { plan } = this.#gathered
    const { key, options } = this.#context
    const { since, inStepUntil } = plan
    return {
      id: plan.runId,
      cohort: key,
      kind: this.#meansAll() ? plan.kind : 'incremental',
      startedAt: new Date(plan.startedAt),
      types: options.connection.types,
      transactionTime: this.#transactionTime(),
      sendsHistory: this.#sendsHistory(),
      since: plan.kind === 'full' || since === undefined ? undefined : new Date(since),
      inStepUntil: inStepUntil === undefined ? undefined : new Date(inStepUntil),
    }
  }

  #sendsHistory(): boolean {
    const { options } = this.#context
    const { level } = options.connection
    const { repeatsHistory = [] } = plannedProfile(this.#gathered.plan.profile, options)
    return level !== 'system' && repeatsHistory.includes(level)
  }

  async #stage(landing: Landing): Promise<void> {
    for (const each of this.#gathered.exports) {
      const part = this.#partOf(each)
      if (part !== undefined) await landing.write(await landingFiles(each, 'output'), part)
      if (part !== undefined) await landing.delete(await landingFiles(each, 'deleted'))
    }
    const roster = this.#roster()
    if (roster === undefined) return
    // Not later than the watermark: that is how one that was not moved is told from one that was.
    const at = Math.min(roster.report.transactionTime.getTime(), this.#transactionTime().getTime())
    await landing.setRoster(await rosterFiles(roster), new Date(at))
  }

  #partOf({ purpose }: RunExport): LandingPart | undefined {
    if (purpose === 'roster') return undefined
    return purpose === 'all' && !this.#meansAll() ? 'changes' : purpose
  }

  /**
   * Whether what did not come is gone. Not where the source reports errors of its own: what it could
   * not export is still there. Before the first landing there is nothing that could go.
   */
  #meansAll(): boolean {
    return this.#isComplete && !this.#gathered.exports.some((each) => this.#isDoubtful(each))
  }

  #isDoubtful({ report }: RunExport): boolean {
    const isFirst = this.#gathered.plan.previousTransactionTime === undefined
    return !isFirst && report.outcomes.some(({ severity }) => ERRORS.has(severity))
  }

  /** The export whose Patients are the cohort; none where absence would mean nothing. */
  #roster(): RunExport | undefined {
    const { options } = this.#context
    if (options.connection.level === 'system' || !this.#isComplete) return undefined
    const isOwn = this.#gathered.plan.kind === 'full' && !needsRosterExport(this.#context)
    const purpose = isOwn ? 'all' : 'roster'
    const roster = this.#gathered.exports.find((each) => each.purpose === purpose)
    return roster === undefined || this.#isDoubtful(roster) ? undefined : roster
  }

  #alarms(inspection: LandingInspection, state: SyncState): readonly RaisedAlarm[] {
    const { plan, exports } = this.#gathered
    const { thresholds } = this.#context.settings
    const part = plan.kind === 'full' && this.#meansAll() ? 'all' : 'changes'
    return [
      ...(this.#isComplete ? [] : incompleteAlarms(exports)),
      ...clockAlarms(this.#transactionTime(), this.#latestWatermark(state) ?? previousOf(plan)),
      ...landingAlarms(inspection, part, thresholds),
    ]
  }

  #latestWatermark(state: SyncState): Date | undefined {
    const ms = instantMs(Math.max, knownWatermarks(state, this.#context.settings))
    return ms === undefined ? undefined : new Date(ms)
  }

  /** Of what is landed, not of the roster. */
  #transactionTime(): Date {
    const { exports } = this.#gathered
    const data = exports.find(({ purpose }) => purpose === 'all' || purpose === 'changes')
    return data?.report.transactionTime ?? new Date(0)
  }

  #watermarks(state: SyncState): readonly Watermark[] {
    if (!this.#isComplete) return []
    const transactionTime = this.#transactionTime()
    return this.#context.settings.watermarks.map(({ type, filter }) => {
      const before = state.watermarks.find((mark) => mark.type === type && mark.filter === filter)
      const previous = before && { previousTransactionTime: before.transactionTime }
      return { type, filter, transactionTime, ...previous }
    })
  }
}

function incompleteAlarms(exports: readonly RunExport[]): readonly RaisedAlarm[] {
  return exports
    .filter(({ report }) => report.verdict !== 'complete')
    .map((each) => incompleteAlarm(each.purpose, fileCounts([each])))
}
