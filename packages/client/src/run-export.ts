import { BulkDataError } from '@flatfhir/protocol'
import { Agent, type Dispatcher } from 'undici'
import { awaitManifest } from './await-manifest.ts'
import { systemClock } from './clock.ts'
import { deleteExport } from './delete-export.ts'
import { downloadFiles, manifestProblems } from './download/download-files.ts'
import { ExportAbortedError } from './errors.ts'
import { ExportDirectory } from './export-directory.ts'
import type { ExportOptions } from './export-options.ts'
import type { ExportProblem, ExportReport } from './export-report.ts'
import { summarize } from './export-summary.ts'
import { ProviderHttp } from './http/provider-http.ts'
import { kickOff } from './kick-off.ts'
import { promisedFiles, type PromisedFiles } from './promised-files.ts'
import type { RunContext } from './run-context.ts'
import { type ExportSettings, resolveSettings } from './settings.ts'

const CONNECT_TIMEOUT_MS = 30_000
/** How long an abandoned run still tries to learn of its export, and to have it deleted. */
const ABORT_GRACE_MS = 5_000

/**
 * Runs one export from kick-off to delete: the files of the manifest end up in `directory`, each
 * checked, or the report says what is missing and why.
 *
 * Resolves whatever became of the files; look at the report's `verdict`. A file that cannot be had
 * does not keep the others from being fetched.
 *
 * @throws {@link ExportAbortedError} when `signal` ends the run; another {@link BulkDataError} when
 *   there is no manifest: `EXPORT_OPTIONS_INVALID`, `EXPORT_DIRECTORY_REFUSED`,
 *   `PROVIDER_UNREACHABLE`, `REQUEST_REJECTED`, `EXPORT_FAILED`, `PROVIDER_ANSWER_INVALID`,
 *   `REDIRECT_REFUSED`, `MANIFEST_INVALID`. An export that had been started is deleted first, as far
 *   as the provider can be reached.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#sequence-overview | Bulk Data: Sequence Overview}
 *
 * @example
 * ```ts
 * const report = await runExport({
 *   url: 'https://ehr.example.org/fhir',
 *   level: 'group',
 *   groupId: 'diabetes',
 *   directory: './diabetes',
 * })
 * if (report.verdict !== 'complete') console.error(report.problems)
 * ```
 */
export async function runExport(options: ExportOptions): Promise<ExportReport> {
  const settings = resolveSettings(options)
  await using directory = await ExportDirectory.claim(settings.directory)
  await using dispatcher = ownedDispatcher(options.dispatcher, settings)
  const { baseUrl, headers, accessToken, idleTimeoutMs } = settings
  const context: RunContext = {
    settings: { ...settings, directory: directory.path },
    http: new ProviderHttp({
      dispatcher: dispatcher.dispatcher,
      ...{ baseUrl, headers, accessToken, idleTimeoutMs },
    }),
    signal: options.signal,
    emit: settings.onEvent,
  }
  // Awaited here: the folder and the connections are given up when this function returns.
  return await new ExportRun(context, directory).run()
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

class ExportRun {
  readonly #context: RunContext
  readonly #directory: ExportDirectory
  readonly #startedMs: number
  #statusUrl: URL | undefined
  /** Between sending the kick-off request and knowing what became of it. */
  #kickOffUnknown = false

  constructor(context: RunContext, directory: ExportDirectory) {
    this.#context = context
    this.#directory = directory
    this.#startedMs = this.#nowMs()
  }

  async run(): Promise<ExportReport> {
    try {
      return await this.#steps()
    } catch (error) {
      const deleted = await this.#abandon()
      if (this.#context.signal?.aborted === true) throw new ExportAbortedError(deleted)
      throw error
    }
  }

  async #steps(): Promise<ExportReport> {
    const { emit, signal } = this.#context
    signal?.throwIfAborted()
    const statusUrl = await this.#kickOff()
    const acceptedMs = this.#nowMs()
    emit({ type: 'kick-off', statusUrl: statusUrl.href })
    signal?.throwIfAborted()

    const promised = await promisedFiles(
      await awaitManifest(statusUrl, this.#context),
      this.#context,
    )
    const manifestMs = this.#nowMs()
    const files = promised.files.map(({ file }) => file)
    const { transactionTime, pages } = promised
    emit({ type: 'manifest', transactionTime, pages, files })

    const report = await this.#download(promised, statusUrl)
    return {
      ...report,
      timings: {
        kickOffMs: acceptedMs - this.#startedMs,
        statusMs: manifestMs - acceptedMs,
        downloadMs: report.downloadedMs - manifestMs,
        totalMs: this.#nowMs() - this.#startedMs,
      },
    }
  }

  async #kickOff(): Promise<URL> {
    this.#kickOffUnknown = true
    try {
      this.#statusUrl = await kickOff(this.#context)
      this.#kickOffUnknown = false
      return this.#statusUrl
    } catch (error) {
      if (BulkDataError.is(error)) this.#kickOffUnknown = false
      throw error
    }
  }

  async #download(
    promised: PromisedFiles,
    statusUrl: URL,
  ): Promise<Omit<ExportReport, 'timings'> & { readonly downloadedMs: number }> {
    const early = manifestProblems(promised)
    for (const problem of early) this.#context.emit({ type: 'problem', problem })
    const results = await downloadFiles(promised, statusUrl, this.#context)
    // Before the provider is told that it can forget the files.
    await this.#directory.sync()
    const downloadedMs = this.#nowMs()
    const summary = summarize(results)
    const { deleted, problems } = await this.#delete(statusUrl, summary.verdict)
    return {
      ...summary,
      transactionTime: promised.transactionTime,
      statusUrl: statusUrl.href,
      deleted,
      problems: [...early, ...results.flatMap((result) => result.problems), ...problems],
      downloadedMs,
    }
  }

  async #delete(
    statusUrl: URL,
    verdict: ExportReport['verdict'],
  ): Promise<{ readonly deleted: boolean; readonly problems: readonly ExportProblem[] }> {
    const { settings, emit } = this.#context
    if (verdict !== 'complete' || !settings.deleteWhenDone) return { deleted: false, problems: [] }
    const answer = await deleteExport(statusUrl, this.#context)
    if (answer.deleted) {
      emit({ type: 'deleted', statusUrl: statusUrl.href })
      return { deleted: true, problems: [] }
    }
    const message = `The export was not deleted at the provider: ${answer.reason}`
    const problem: ExportProblem = { code: 'DELETE_FAILED', severity: 'warning', message }
    emit({ type: 'problem', problem })
    return { deleted: false, problems: [problem] }
  }

  /** @returns `true` when nothing of the export is left at the provider. */
  async #abandon(): Promise<boolean> {
    if (this.#statusUrl === undefined) return !this.#kickOffUnknown
    const { settings, emit } = this.#context
    const context: RunContext = {
      ...this.#context,
      // The caller's signal has done its work, and the caller waits.
      signal: AbortSignal.timeout(ABORT_GRACE_MS),
      settings: { ...settings, clock: systemClock, maxAttempts: 2, maxThrottles: 2 },
    }
    try {
      const { deleted } = await deleteExport(this.#statusUrl, context)
      if (deleted) emit({ type: 'deleted', statusUrl: this.#statusUrl.href })
      return deleted
    } catch {
      return false
    }
  }

  #nowMs(): number {
    return this.#context.settings.clock.now().getTime()
  }
}
