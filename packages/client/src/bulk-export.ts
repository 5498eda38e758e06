import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BulkDataError } from '@flatfhir/protocol'
import { Agent, type Dispatcher } from 'undici'
import { systemClock } from './clock.ts'
import { type CollectOutcome, Collector } from './collector.ts'
import { deleteExport } from './delete-export.ts'
import {
  ExportAbortedError,
  ExportDirectoryRefusedError,
  ExportFailedError,
  ProviderAnswerInvalidError,
  ProviderUnreachableError,
  RequestRejectedError,
} from './errors.ts'
import type { ExportEvent } from './export-event.ts'
import type { ExportOptions, ResumeOptions } from './export-options.ts'
import type { ExportReport } from './export-report.ts'
import { ProviderHttp } from './http/provider-http.ts'
import type { CollectResult, EndReason, ExportJobStatus } from './job-status.ts'
import { jobStatus } from './job-status-of.ts'
import { kickOff } from './kick-off.ts'
import { ExportLog } from './log/export-log.ts'
import { GENERIC_PROFILE, profileOf } from './profiles/profiles.ts'
import { discoverProvider } from './provider/discover-provider.ts'
import { describeParameters } from './provider/encode-parameters.ts'
import { optionsOf, planOf } from './provider/plan.ts'
import type { RunContext } from './run-context.ts'
import { RunFolder } from './run-folder.ts'
import { type ExportSettings, resolveSettings } from './settings.ts'

const CONNECT_TIMEOUT_MS = 30_000
/** How long an abandoned run still tries to learn of its export, and to have it deleted. */
const ABORT_GRACE_MS = 5_000

/**
 * One export in one folder, held against other processes until it is disposed of.
 *
 * States: *not started* → kick-off accepted → *in progress* → manifest complete → *ready* → files
 * fetched → *collected*, with a verdict. *Ended* is for exports that were cancelled or are gone at the
 * provider. Every step is in the journal before the next one begins, so each call goes on from where
 * the last process stopped, however it stopped.
 *
 * @example
 * ```ts
 * await using bulk = await BulkExport.open({ url, level: 'patient', directory: './all' })
 * await bulk.start()
 * const { state } = await bulk.status()
 * ```
 */
export class BulkExport implements AsyncDisposable {
  readonly #folder: RunFolder
  readonly #log: ExportLog
  readonly #dispatcher: OwnedDispatcher
  #context: RunContext

  private constructor(
    folder: RunFolder,
    log: ExportLog,
    parts: {
      readonly dispatcher: OwnedDispatcher
      readonly context: RunContext
    },
  ) {
    this.#folder = folder
    this.#log = log
    this.#dispatcher = parts.dispatcher
    this.#context = parts.context
  }

  /**
   * Takes hold of the folder of an export, new or interrupted.
   *
   * @throws `EXPORT_OPTIONS_INVALID`, `EXPORT_DIRECTORY_REFUSED`, `JOURNAL_INVALID`.
   */
  static async open(options: ExportOptions): Promise<BulkExport> {
    const plan = planOf(options)
    // Before anything is made on disk.
    resolveSettings(options)
    const folder = await RunFolder.open(options.directory, plan, options.clock ?? systemClock)
    return BulkExport.#on(folder, options)
  }

  /**
   * Takes hold of the folder of an export that was begun before.
   *
   * @throws as {@link BulkExport.open}.
   */
  static async resume(options: ResumeOptions): Promise<BulkExport> {
    const clock = options.clock ?? systemClock
    const folder = await RunFolder.open(options.directory, undefined, clock)
    const { plan } = folder.state
    // The folder would have been refused without one.
    return BulkExport.#on(folder, plan === undefined ? undefined : optionsOf(plan, options))
  }

  static async #on(folder: RunFolder, options: ExportOptions | undefined): Promise<BulkExport> {
    try {
      if (options === undefined) throw new ExportDirectoryRefusedError('ended', folder.path)
      const settings = { ...resolveSettings(options), directory: folder.path }
      const exportId = folder.state.exportId ?? ''
      const log = await ExportLog.open(join(folder.path, 'log.ndjson'), exportId, () =>
        folder.now(),
      )
      const dispatcher = ownedDispatcher(options.dispatcher, settings)
      const context = contextOf(options, settings, { log, dispatcher, folder })
      return new BulkExport(folder, log, { dispatcher, context })
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What the folder knows, without asking the provider. */
  get known(): ExportJobStatus {
    return jobStatus(this.#folder)
  }

  /**
   * Starts the export, unless it has been started.
   *
   * @throws as {@link runExport}.
   */
  async start(): Promise<ExportJobStatus> {
    await this.#guarded(async () => this.#start())
    return this.known
  }

  /**
   * Asks the provider how far it is: once, and not before it wants to be asked again.
   *
   * @throws as {@link runExport}.
   */
  async status(): Promise<ExportJobStatus> {
    const { state } = this.#folder
    const settled = state.statusUrl === undefined || state.manifestAt !== undefined
    if (settled || state.ended !== undefined || this.#isTooEarly()) return this.known
    const answer = await this.#guarded(async () => this.#collector().poll())
    return { ...this.known, ...answer }
  }

  /**
   * Fetches what is ready: everything, when the export is; what there is, of a partial manifest.
   *
   * @throws as {@link runExport}.
   */
  async collect(): Promise<CollectResult> {
    const status = await this.status()
    if (status.state === 'not-started' || status.state === 'ended') {
      return { finished: false, status }
    }
    if (this.#folder.state.manifestAt === undefined) return { finished: false, status }
    return { finished: true, report: await this.#guarded(async () => this.#collect()) }
  }

  /**
   * Deletes the export at the provider.
   *
   * @throws `REQUEST_REJECTED` or `PROVIDER_UNREACHABLE` when the provider did not confirm it.
   */
  async cancel(): Promise<ExportJobStatus> {
    const { state } = this.#folder
    if (state.ended !== undefined || state.deletedAt !== undefined) return this.known
    if (state.statusUrl !== undefined) {
      const answer = await deleteExport(new URL(state.statusUrl), this.#context)
      if (!answer.deleted) throw answer.error
      this.#context.emit({ type: 'deleted', statusUrl: state.statusUrl })
      await this.#folder.record({ type: 'deleted', at: this.#folder.now() })
    }
    if (state.collected?.verdict !== 'complete') await this.#end('cancelled')
    return this.known
  }

  /**
   * Does everything that is left to be done: kick-off, waiting, files, receipt, delete.
   *
   * @throws as {@link runExport}.
   */
  async run(): Promise<ExportReport> {
    return this.#guarded(async () => {
      await this.#start()
      return this.#collect()
    })
  }

  /** Lets go of the folder. An export that is under way stays with the provider. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher[Symbol.asyncDispose]()
    await this.#log[Symbol.asyncDispose]()
    await this.#folder[Symbol.asyncDispose]()
  }

  async #start(): Promise<void> {
    const { state } = this.#folder
    this.#context.signal?.throwIfAborted()
    if (state.ended !== undefined && state.results.size > 0) {
      throw new ExportDirectoryRefusedError('ended', this.#folder.path)
    }
    if (state.statusUrl !== undefined && state.ended === undefined) {
      const finishedFiles = state.results.size
      this.#context.emit({ type: 'resumed', statusUrl: state.statusUrl, finishedFiles })
      return
    }
    await this.#kickOff()
  }

  async #kickOff(): Promise<void> {
    const { provider, profile } = await discoverProvider(this.#context)
    this.#context = { ...this.#context, profile }
    await this.#folder.record({ type: 'provider', provider })
    await this.#folder.record({ type: 'kick-off-intent', at: this.#folder.now() })
    const parameters = describeParameters(this.#context.settings.parameters, { patients: 'count' })
    const url = this.#context.settings.baseUrl.href
    try {
      const { statusUrl, request, headers } = await kickOff(this.#context, provider)
      const at = this.#folder.now()
      await this.#folder.record({ type: 'kick-off', at, statusUrl: statusUrl.href })
      this.#log.kickOff({ url: request.url.href, status: 202, parameters, provider, headers })
      this.#context.emit({ type: 'kick-off', statusUrl: statusUrl.href })
    } catch (error) {
      if (BulkDataError.is(error) && !mayHaveBegun(error)) {
        await this.#folder.record({ type: 'kick-off-refused', at: this.#folder.now() })
      }
      const status = error instanceof RequestRejectedError ? error.status : 0
      this.#log.kickOff({ url, status: status || 599, parameters, provider, headers: {} })
      throw error
    }
    this.#context.signal?.throwIfAborted()
  }

  async #collect(): Promise<ExportReport> {
    const outcome: CollectOutcome = await this.#collector().collect()
    return outcome.report
  }

  #collector(): Collector {
    const { provider } = this.#folder.state
    const given = this.#context.settings.profile
    const profile =
      given === 'auto' ? (profileOf(provider?.profile ?? '') ?? GENERIC_PROFILE) : given
    return new Collector({ ...this.#context, profile }, this.#folder, this.#log)
  }

  #isTooEarly(): boolean {
    const { statusNotBefore } = this.#folder.state
    const nowMs = this.#context.settings.clock.now().getTime()
    return statusNotBefore !== undefined && nowMs < Date.parse(statusNotBefore)
  }

  /** Does what an error or the caller's signal demands of an export that is under way. */
  async #guarded<Result>(step: () => Promise<Result>): Promise<Result> {
    try {
      return await step()
    } catch (error) {
      if (this.#context.signal?.aborted === true) throw await this.#aborted()
      if (BulkDataError.is(error) && error.code !== 'EXPORT_DIRECTORY_REFUSED') {
        this.#log.statusError(statusOf(error), error.message)
        const reason = endReason(error)
        if (reason !== undefined && this.#folder.state.statusUrl !== undefined) {
          await this.#abandon()
          await this.#end(reason)
        }
      }
      throw error
    }
  }

  async #aborted(): Promise<ExportAbortedError> {
    if (this.#context.settings.onAbort === 'keep') return new ExportAbortedError(false, true)
    const { state } = this.#folder
    if (state.statusUrl === undefined) return new ExportAbortedError(!state.kickOffUnknown)
    const deleted = await this.#abandon()
    await this.#end('cancelled')
    return new ExportAbortedError(deleted)
  }

  /** @returns `true` when nothing of the export is left at the provider. */
  async #abandon(): Promise<boolean> {
    const { statusUrl } = this.#folder.state
    if (statusUrl === undefined) return true
    const { settings } = this.#context
    try {
      const { deleted } = await deleteExport(new URL(statusUrl), {
        ...this.#context,
        // The caller's signal has done its work, and the caller waits.
        signal: AbortSignal.timeout(ABORT_GRACE_MS),
        settings: { ...settings, clock: systemClock, maxAttempts: 2, maxThrottles: 2 },
      })
      if (deleted) this.#context.emit({ type: 'deleted', statusUrl })
      return deleted
    } catch {
      return false
    }
  }

  async #end(reason: EndReason): Promise<void> {
    const parts = this.#collector().unfinishedParts()
    for (const path of parts) await rm(join(this.#folder.path, path), { force: true })
    await this.#folder.record({ type: 'ended', at: this.#folder.now(), reason })
  }
}

/** Whether a provider may have started an export although the kick-off request failed. */
function mayHaveBegun(error: BulkDataError): boolean {
  if (error instanceof ProviderAnswerInvalidError) return true
  if (!(error instanceof ProviderUnreachableError)) return false
  return error.fault === 'closed' || error.fault === 'idle-timeout'
}

/** Why an export is of no use any more; `undefined` when the same call may go on with it later. */
function endReason(error: BulkDataError): EndReason | undefined {
  if (error instanceof ExportFailedError) return 'failed-at-provider'
  if (error instanceof ProviderAnswerInvalidError || error.code === 'MANIFEST_INVALID') {
    return 'unusable'
  }
  // Anything else that a client is refused, such as a token, may be put right.
  const isGone = error instanceof RequestRejectedError && [404, 410].includes(error.status)
  return isGone ? 'failed-at-provider' : undefined
}

function statusOf(error: BulkDataError): number | undefined {
  const isAnswer = error instanceof RequestRejectedError || error instanceof ExportFailedError
  return isAnswer ? error.status : undefined
}

function contextOf(
  options: ExportOptions,
  settings: ExportSettings,
  parts: {
    readonly log: ExportLog
    readonly dispatcher: OwnedDispatcher
    readonly folder: RunFolder
  },
): RunContext {
  const { baseUrl, headers, accessToken, idleTimeoutMs } = settings
  const { dispatcher } = parts.dispatcher
  const profile = settings.profile === 'auto' ? GENERIC_PROFILE : settings.profile
  return {
    settings,
    profile,
    http: new ProviderHttp({ dispatcher, baseUrl, headers, accessToken, idleTimeoutMs }),
    signal: options.signal,
    emit: (event: ExportEvent) => {
      parts.log.event(event)
      settings.onEvent(event)
    },
  }
}

interface OwnedDispatcher extends AsyncDisposable {
  readonly dispatcher: Dispatcher
}

/** The caller's dispatcher, which stays open, or one of our own, which does not. */
function ownedDispatcher(given: Dispatcher | undefined, settings: ExportSettings): OwnedDispatcher {
  if (given !== undefined)
    return { dispatcher: given, [Symbol.asyncDispose]: async () => undefined }
  const agent = new Agent({
    connections: settings.concurrency + 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  return { dispatcher: agent, [Symbol.asyncDispose]: async () => agent.destroy() }
}
