import type { ExportParameters } from '../export-parameters.ts'
import { clockAlarms, incompleteAlarm, type RaisedAlarm, rosterAlarms } from './alarms.ts'
import type { CohortContext } from './cohort-context.ts'
import {
  type ExportRequest,
  isRefused,
  landingFiles,
  type RunExport,
  runOneExport,
  syncExport,
} from './run-exports.ts'
import { asFullRun, type RunPlan } from './run-plan.ts'
import type { LandingFile, RosterChange } from './sink.ts'
import type { FullReason, SyncExport } from './sync-report.ts'

/** More joiners than this, and than a fifth of the cohort, are cheaper to have by a full run. */
const MANY_JOINERS = 1000
const MANY_JOINERS_SHARE = 0.2

/** Answers to a kick-off that mean that a parameter of it is not taken. */
const PARAMETER_REFUSED = [400, 406, 410, 415, 422, 501]
/** The same for a POST, of which a provider may know nothing at all. */
const POST_REFUSED = [...PARAMETER_REFUSED, 404, 405, 413]

/** What a run has exported, ready to be landed or a reason not to. */
export interface Gathered {
  /** As it is now: the plan may have become a full run. */
  readonly plan: RunPlan
  /** What is to be landed. */
  readonly exports: readonly RunExport[]
  /** Everything that was exported, also what a full run made useless. */
  readonly accounts: readonly SyncExport[]
  /** Why nothing is to be landed. */
  readonly alarms: readonly RaisedAlarm[]
}

/** Ways in which the exports of a run can end. */
type Step = 'gathered' | { readonly full: FullReason } | { readonly stop: readonly RaisedAlarm[] }

/**
 * Exports what a run lands.
 *
 * Incremental: the roster first, then the changes, then the history of joiners. In that order nobody
 * falls between two runs: who joins after the roster is a joiner of the next one, and what was
 * deleted before the history was exported is not in it. Whatever the source cannot do makes the run
 * a full one.
 */
export async function gatherExports(context: CohortContext, plan: RunPlan): Promise<Gathered> {
  return new Gathering(context, plan).run()
}

class Gathering {
  readonly #context: CohortContext
  readonly #accounts = new Map<string, SyncExport>()
  #plan: RunPlan
  #exports: RunExport[] = []

  constructor(context: CohortContext, plan: RunPlan) {
    this.#context = context
    this.#plan = plan
  }

  async run(): Promise<Gathered> {
    for (;;) {
      const step = this.#plan.kind === 'full' ? await this.#full() : await this.#incremental()
      if (step === 'gathered') return this.#gathered([])
      if ('stop' in step) return this.#gathered(step.stop)
      await this.#becomeFull(step.full)
    }
  }

  #gathered(alarms: readonly RaisedAlarm[]): Gathered {
    return {
      plan: this.#plan,
      exports: this.#exports,
      accounts: [...this.#accounts.values()],
      alarms,
    }
  }

  async #becomeFull(reason: FullReason): Promise<void> {
    const { folder, access, emit, profile } = this.#context
    this.#plan = asFullRun(this.#plan, reason, profile)
    await folder.writePlan(this.#plan)
    emit({ type: 'fallback', runId: this.#plan.runId, reason })
    for (const name of await folder.exportNames()) {
      if (name !== 'roster') await folder.discardExport(name, access)
    }
    this.#exports = []
  }

  async #full(): Promise<Step> {
    if (needsRosterExport(this.#context)) {
      const roster = await this.#roster()
      const stop = this.#stopFor(roster)
      if (stop !== undefined) return stop
    }
    const all = await this.#export({ purpose: 'all', parameters: this.#data(this.#since()) })
    return this.#stopFor(all) ?? 'gathered'
  }

  async #incremental(): Promise<Step> {
    const joiners = await this.#joiners()
    if ('full' in joiners || 'stop' in joiners) return joiners
    const changes = await this.#changes()
    if (changes !== 'gathered') return changes
    return this.#history(joiners.ids)
  }

  /** Who has to be fetched with their history. */
  async #joiners(): Promise<{ readonly ids: readonly string[] } | Exclude<Step, 'gathered'>> {
    const { level } = this.#context.options.connection
    if (level === 'system') return { ids: [] }
    const roster = await this.#roster()
    const stop = this.#stopFor(roster)
    if (stop !== undefined) return stop
    // An incomplete roster that is accepted tells of nobody for sure.
    if (roster.report.verdict !== 'complete') return { ids: [] }
    const change = await this.#compare(await rosterFiles(roster))
    const alarms = rosterAlarms(change, this.#context.settings.thresholds)
    if (alarms.length > 0 && !this.#context.accepts('SUSPICIOUS_SHRINK')) return { stop: alarms }
    const { profile } = this.#context
    if (change.joiners === 0 || profile.joinersHistory?.includes(level) === true) return { ids: [] }
    if (change.joiners > joinerLimit(change.members)) return { full: 'many-joiners' }
    if (profile.patientParameter === 'not-supported') return { full: 'joiners-not-supported' }
    return { ids: change.joinerIds }
  }

  async #compare(files: readonly LandingFile[]): Promise<RosterChange> {
    const { options, key, emit } = this.#context
    await using session = await options.sink.open()
    const few = await session.compareRoster(key, files, { maxJoinerIds: 0 })
    const { members, membersBefore, joiners, leavers } = few
    const roster = { members, membersBefore, joiners, leavers }
    emit({ type: 'roster-compared', runId: this.#plan.runId, roster })
    if (joiners === 0 || joiners > joinerLimit(members)) return few
    return await session.compareRoster(key, files, { maxJoinerIds: joiners })
  }

  async #changes(): Promise<Step> {
    try {
      const parameters = this.#data(this.#since())
      const changes = await this.#export({ purpose: 'changes', parameters })
      const stop = this.#stopFor(changes)
      if (stop !== undefined) return stop
      return this.#clockStep(changes.report.transactionTime)
    } catch (error) {
      if (isRefused(error, PARAMETER_REFUSED)) return { full: 'since-refused' }
      throw error
    }
  }

  /** After its clock was set back, a source has changes that `_since` leaves out. */
  #clockStep(transactionTime: Date): Step {
    const alarms = clockAlarms(transactionTime, previousOf(this.#plan))
    if (alarms.length === 0) return 'gathered'
    return this.#context.accepts('CLOCK_BACKWARDS') ? { full: 'clock-backwards' } : { stop: alarms }
  }

  async #history(ids: readonly string[]): Promise<Step> {
    const size = this.#context.settings.backfillBatchSize
    const batches = Math.ceil(ids.length / size)
    for (let batch = 1; batch <= batches; batch += 1) {
      const patients = ids.slice((batch - 1) * size, batch * size)
      const parameters = { ...this.#data(this.#fullSince()), patients }
      try {
        const request = { purpose: 'history', parameters, batch, batches } as const
        const stop = this.#stopFor(await this.#export(request))
        if (stop !== undefined) return stop
      } catch (error) {
        if (isRefused(error, POST_REFUSED)) return { full: 'joiners-not-supported' }
        throw error
      }
    }
    return 'gathered'
  }

  async #roster(): Promise<RunExport> {
    try {
      return await this.#export(this.#rosterRequest())
    } catch (error) {
      if (!this.#plan.rosterElements || !isRefused(error, PARAMETER_REFUSED)) throw error
    }
    this.#plan = { ...this.#plan, rosterElements: false }
    await this.#context.folder.writePlan(this.#plan)
    const { runId } = this.#plan
    this.#context.emit({ type: 'fallback', runId, reason: 'elements-refused' })
    return this.#export(this.#rosterRequest())
  }

  #rosterRequest(): ExportRequest {
    const { vendor } = this.#context.options.connection
    const since = this.#fullSince()
    const elements = this.#plan.rosterElements ? { elements: ['id'] } : {}
    return { purpose: 'roster', parameters: { types: ['Patient'], since, vendor, ...elements } }
  }

  #data(since: Date | undefined): ExportParameters {
    const { types, typeFilters, includeAssociatedData, vendor } = this.#context.options.connection
    return { types, typeFilters, includeAssociatedData, vendor, since }
  }

  #since(): Date | undefined {
    const { since } = this.#plan
    return since === undefined ? undefined : new Date(since)
  }

  #fullSince(): Date | undefined {
    const { fullSince } = this.#context.profile
    return fullSince === undefined ? undefined : new Date(fullSince)
  }

  async #export(request: ExportRequest): Promise<RunExport> {
    const done = await runOneExport(this.#context, this.#plan, request)
    this.#exports.push(done)
    const account = syncExport(done)
    this.#accounts.set(account.exportId, account)
    return done
  }

  #stopFor({ purpose, report }: RunExport): { readonly stop: readonly RaisedAlarm[] } | undefined {
    if (report.verdict === 'complete' || this.#context.accepts('EXPORT_INCOMPLETE')) {
      return undefined
    }
    return { stop: [incompleteAlarm(purpose, fileCounts([{ report }]))] }
  }
}

/** Files that some exports have, and should have. */
export function fileCounts(exports: readonly Pick<RunExport, 'report'>[]): {
  readonly complete: number
  readonly promised: number
} {
  const files = exports.flatMap(({ report }) => report.files)
  const complete = files.filter(({ state }) => state === 'complete').length
  return { complete, promised: files.length }
}

/** Files with the Patients of a roster; a source that ignores `_type` sends others too. */
export async function rosterFiles(roster: RunExport): Promise<readonly LandingFile[]> {
  const files = await landingFiles(roster, 'output')
  return files.filter(({ type }) => type === 'Patient')
}

/** Whether a full run has to ask for the roster, because its own Patients are not all of it. */
export function needsRosterExport({ options }: Pick<CohortContext, 'options'>): boolean {
  const { level, types, typeFilters = [] } = options.connection
  if (level === 'system') return false
  const isFiltered = typeFilters.some((filter) => filter.startsWith('Patient?'))
  return isFiltered || types?.includes('Patient') === false
}

/** The watermark that a run goes on from. */
export function previousOf({ previousTransactionTime }: RunPlan): Date | undefined {
  return previousTransactionTime === undefined ? undefined : new Date(previousTransactionTime)
}

function joinerLimit(members: number): number {
  return Math.max(MANY_JOINERS, members * MANY_JOINERS_SHARE)
}
