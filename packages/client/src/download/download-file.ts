import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RetryReason } from '../export-event.ts'
import type { ExportedFile, ExportedFileState, ExportProblem } from '../export-report.ts'
import type { ExportProblemCode } from '../export-report.ts'
import { ArrivingChunks } from '../http/arriving-chunks.ts'
import { Attempts, isThrottle, isTransientStatus } from '../http/attempts.ts'
import { discardBody, type ProviderResponse } from '../http/provider-http.ts'
import type { StoredResult, StoredValidator } from '../journal/journal-entry.ts'
import type { PromisedFile } from '../manifest/manifest-book.ts'
import type { RunContext } from '../run-context.ts'
import type { ReferenceSpill } from '../references/reference-spill.ts'
import type { LineCheckPool } from '../verification/line-check-pool.ts'
import type { LineTotals } from '../verification/line-ledger.ts'
import type { BufferPool } from './buffer-pool.ts'
import { compareWithPromise } from './compare.ts'
import type { DownloadGate } from './download-gate.ts'
import {
  type DownloadOutcome,
  explainDownloadError,
  isFileSystemError,
} from './download-outcome.ts'
import type { FileLinks } from './file-links.ts'
import { PartFile } from './part-file.ts'
import { ReceivedFile } from './received-file.ts'
import { contentCoding, contentLength, contentRange } from './response-headers.ts'
import { reprDigest, strongETag } from './response-headers.ts'

/** What the downloads of a run share. */
export interface DownloadContext extends RunContext {
  readonly pool: LineCheckPool
  readonly links: FileLinks
  readonly gateFor: (url: URL) => DownloadGate
  readonly journal: DownloadJournal
  /** What all hosts have in common, besides a gate of each. */
  readonly gate: DownloadGate
  /** For part files. */
  readonly buffers: BufferPool
  /** Folders that there are by now. */
  readonly madeFolders: Set<string>
  /** Takes ids and references, when they are wanted. */
  readonly spill: ReferenceSpill | undefined
}

/** What a download has to remember over the end of the process. */
export interface DownloadJournal {
  /** What a cut download of the file could go on with. */
  validator(key: string): StoredValidator | undefined
  /** Resolves when the validator, or that there is none any more, is durable. */
  begun(key: string, validator: StoredValidator | undefined): Promise<void>
  /** Resolves when the result is durable; only then may the file get its name. */
  done(key: string, result: StoredResult): Promise<void>
}

/** What became of one file, and why. */
export interface DownloadResult {
  readonly file: ExportedFile
  readonly problems: readonly ExportProblem[]
  /** `undefined` when the file did not arrive. */
  readonly lines: LineTotals | undefined
}

const EXPIRED: ReadonlySet<number> = new Set([403, 404, 410])
const PROGRESS_BYTES = 1024 * 1024
/** Less than this is not worth a flush of the journal: it is fetched again. */
const WORTH_RESUMING_BYTES = 64 * 1024

/**
 * Downloads one file, checks it, and gives it its name when it is what was promised.
 *
 * States: a request *arrives* whole, *breaks* (then the next goes on where it stopped, when the
 * provider gave a strong `ETag`, and starts over otherwise), is *throttled* (a wait, not a failure),
 * finds its link *expired* (the manifest is asked for a fresh one, once without progress), or is
 * *refused*. A file that arrived whole but is not what was promised is fetched once more, unless its
 * digest proves that the provider has it no better.
 *
 * @throws the signal's reason, and errors that are nobody's but ours.
 */
export async function downloadFile(
  promised: PromisedFile,
  context: DownloadContext,
): Promise<DownloadResult> {
  const download = new FileDownload(promised, context)
  try {
    return await download.run()
  } catch (error) {
    context.signal?.throwIfAborted()
    if (!isFileSystemError(error)) throw error
    return download.missing('FILE_WRITE_FAILED', `The file cannot be written (${error.code})`)
  } finally {
    await download.close()
  }
}

class FileDownload {
  readonly #context: DownloadContext
  readonly #attempts: Attempts
  readonly #startedMs: number
  readonly #path: string
  #promised: PromisedFile
  #received: ReceivedFile | undefined
  #resumable: StoredValidator | undefined
  /** Whether the journal knows `#resumable`, or an older one. */
  #journaled: boolean
  #expectedDigest: string | undefined
  #attemptCount = 0
  #transferredBytes = 0
  #linkRefreshed = false
  #verifiedBefore = false
  /** Whether HTTP itself tells that the body is whole; it cannot where closing is the end. */
  #endIsCertain = false

  constructor(promised: PromisedFile, context: DownloadContext) {
    this.#promised = promised
    this.#context = context
    this.#attempts = new Attempts(context, 'download', promised.file)
    this.#journaled = context.journal.validator(promised.file.key) !== undefined
    this.#startedMs = context.settings.clock.now().getTime()
    this.#path = join(context.settings.directory, ...promised.file.path.split('/'))
  }

  async run(): Promise<DownloadResult> {
    const { url, refusal } = this.#promised
    if (url === undefined) {
      return this.missing('URL_REFUSED', `The URL of the file is refused: ${refusal ?? 'unusable'}`)
    }
    const received = await this.#open()
    this.#received = received
    const resumed = await this.#resume(received)
    if (resumed !== undefined) {
      const result = await this.#react(resumed, received)
      if (result !== undefined) return result
    }
    for (;;) {
      const result = await this.#react(await this.#request(received), received)
      if (result !== undefined) return result
    }
  }

  missing(code: ExportProblemCode, message: string): DownloadResult {
    const { path } = this.#promised.file
    const problem: ExportProblem = { code, severity: 'error', message, file: path }
    return this.#result('missing', { received: {}, problems: [problem], lines: undefined })
  }

  async close(): Promise<void> {
    // What a later run can go on with stays; the rest is of no use to anybody.
    if (this.#journaled && this.#resumable !== undefined) await this.#received?.leave()
    else await this.#received?.discard()
  }

  async #open(): Promise<ReceivedFile> {
    const { settings, pool, spill, buffers } = this.#context
    const { file, organized } = this.#promised
    const { kind, type } = file
    await this.#makeFolder(dirname(this.#path))
    return new ReceivedFile({
      // What the journal does not know of cannot be gone on with.
      wire: await PartFile.open(`${this.#path}.part`, { buffers, fresh: !this.#journaled }),
      openKept: async () => PartFile.open(`${this.#path}.kept.part`, { buffers, fresh: true }),
      pool,
      kind,
      type: kind === 'output' ? type : kind === 'deleted' ? 'Bundle' : 'OperationOutcome',
      organized,
      references:
        spill === undefined || kind !== 'output'
          ? undefined
          : { baseUrl: settings.baseUrl.href, spill },
      maxLineBytes: settings.maxLineBytes,
      maxDecompressionRatio: settings.maxDecompressionRatio,
      gzip: settings.gzip,
    })
  }

  async #makeFolder(path: string): Promise<void> {
    const { madeFolders } = this.#context
    if (madeFolders.has(path)) return
    await mkdir(path, { recursive: true })
    madeFolders.add(path)
  }

  /**
   * Takes up what an interrupted run left.
   *
   * @returns An outcome when there is nothing left to be requested.
   */
  async #resume(received: ReceivedFile): Promise<DownloadOutcome | undefined> {
    const validator = this.#context.journal.validator(this.#promised.file.key)
    if (validator === undefined) return undefined
    try {
      await received.replay(validator.coding)
    } catch (error) {
      const outcome = this.#explain(error)
      return outcome.end === 'broken' ? undefined : outcome
    }
    this.#resumable = validator
    this.#expectedDigest = validator.reprDigest
    this.#endIsCertain = true
    const isWhole = validator.encodedBytes === received.encodedBytes
    return isWhole ? { end: 'arrived' } : undefined
  }

  /** Does what the outcome of a request demands; `undefined` when that is another request. */
  async #react(
    outcome: DownloadOutcome,
    received: ReceivedFile,
  ): Promise<DownloadResult | undefined> {
    switch (outcome.end) {
      case 'arrived':
        return this.#verify(received)
      case 'broken':
        if (await this.#attempts.failed(outcome.reason, outcome.status)) return undefined
        return this.#broken(outcome.reason, outcome.status)
      case 'throttled':
        return this.#throttled(outcome.response)
      case 'expired':
        return this.#refreshLink(outcome.status)
      case 'refused':
        return this.missing(outcome.code, outcome.message)
    }
  }

  #broken(reason: RetryReason, status: number | undefined): DownloadResult {
    if (status !== undefined) {
      return this.missing('DOWNLOAD_REJECTED', `The download failed with HTTP ${status}`)
    }
    if (reason === 'verification-failed') {
      return this.missing('ENCODING_INVALID', 'The compressed file is damaged')
    }
    return this.missing('DOWNLOAD_CUT', `The download did not come to its end (${reason})`)
  }

  #throttled(response: ProviderResponse): DownloadResult | undefined {
    const waitMs = this.#attempts.countThrottle(response)
    if (waitMs === undefined) {
      return this.missing('DOWNLOAD_THROTTLED', 'The provider throttled the download too often')
    }
    const { emit } = this.#context
    const { file } = this.#promised
    const httpStatus = response.status
    emit({ type: 'retry', phase: 'download', reason: 'throttled', httpStatus, file, waitMs })
    this.#gate().throttled(waitMs)
    return undefined
  }

  async #refreshLink(status: number): Promise<DownloadResult | undefined> {
    const fresh = this.#linkRefreshed
      ? undefined
      : await this.#context.links.refresh(this.#promised)
    if (fresh?.url === undefined) {
      return this.missing('DOWNLOAD_REJECTED', `The download was rejected with HTTP ${status}`)
    }
    this.#linkRefreshed = true
    // Name and place stay: it is the same file under another URL.
    this.#promised = { ...fresh, file: { ...this.#promised.file, url: fresh.file.url } }
    const again = await this.#attempts.failed('link-expired', status)
    return again ? undefined : this.#broken('link-expired', status)
  }

  async #request(received: ReceivedFile): Promise<DownloadOutcome> {
    const gate = this.#gate()
    await gate.enter(this.#context.signal)
    try {
      return await this.#requestNow(received, gate)
    } finally {
      gate.leave()
    }
  }

  async #requestNow(received: ReceivedFile, gate: DownloadGate): Promise<DownloadOutcome> {
    const { gate: all } = this.#context
    await all.enter(this.#context.signal)
    try {
      this.#attemptCount += 1
      const response = await this.#send(received)
      const outcome = await this.#take(response, received)
      if (outcome.end === 'arrived') gate.succeeded()
      return outcome
    } catch (error) {
      this.#context.signal?.throwIfAborted()
      return this.#explain(error)
    } finally {
      all.leave()
    }
  }

  #gate(): DownloadGate {
    return this.#context.gateFor(this.#url())
  }

  #url(): URL {
    // `run` has seen to it that there is one.
    return this.#promised.url ?? new URL(this.#promised.file.url)
  }

  async #send(received: ReceivedFile): Promise<ProviderResponse> {
    const resumable = received.encodedBytes > 0 ? this.#resumable : undefined
    const coding = resumable?.coding ?? 'gzip'
    return this.#context.http.send({
      method: 'GET',
      url: this.#url(),
      headers: {
        accept: 'application/fhir+ndjson',
        'accept-encoding': coding,
        ...(resumable === undefined
          ? {}
          : { range: `bytes=${received.encodedBytes}-`, 'if-range': resumable.etag }),
      },
      withToken: this.#promised.requiresAccessToken,
      signal: this.#context.signal,
    })
  }

  async #take(response: ProviderResponse, received: ReceivedFile): Promise<DownloadOutcome> {
    if (response.status === 200) return this.#takeWhole(response, received)
    if (response.status === 206) return this.#takeRest(response, received)
    await discardBody(response)
    return this.#notTaken(response)
  }

  #notTaken(response: ProviderResponse): DownloadOutcome {
    const { status } = response
    if (isThrottle(response, this.#context)) return { end: 'throttled', response }
    if (status === 416 && this.#resumable !== undefined) return this.#changed()
    if (isTransientStatus(status)) return { end: 'broken', reason: 'server-error', status }
    if (EXPIRED.has(status)) return { end: 'expired', status }
    const message = `The download was rejected with HTTP ${status}`
    return { end: 'refused', code: 'DOWNLOAD_REJECTED', message }
  }

  async #takeWhole(response: ProviderResponse, received: ReceivedFile): Promise<DownloadOutcome> {
    const coding = contentCoding(response)
    if (coding === undefined) {
      await discardBody(response)
      const message = 'The provider sent a content coding that was not asked for'
      return { end: 'refused', code: 'ENCODING_INVALID', message }
    }
    await this.#forget()
    const etag = strongETag(response)
    const digest = reprDigest(response)
    const encodedBytes = contentLength(response)
    if (etag !== undefined) {
      this.#resumable = {
        etag,
        coding,
        ...(digest !== undefined && { reprDigest: digest }),
        ...(encodedBytes !== undefined && { encodedBytes }),
      }
    }
    this.#expectedDigest = digest
    this.#endIsCertain =
      contentLength(response) !== undefined || 'transfer-encoding' in response.headers
    this.#started(0)
    const chunks = new ArrivingChunks(response.body)
    await received.begin(coding).catch((error: unknown) => {
      chunks.close()
      throw error
    })
    return this.#stream(chunks, received, contentLength(response))
  }

  async #takeRest(response: ProviderResponse, received: ReceivedFile): Promise<DownloadOutcome> {
    const range = contentRange(response)
    const sameFile =
      this.#resumable !== undefined &&
      received.encodedBytes > 0 &&
      range?.start === received.encodedBytes &&
      contentCoding(response) === this.#resumable.coding &&
      (response.headers['etag'] === undefined || strongETag(response) === this.#resumable.etag)
    if (!sameFile) {
      await discardBody(response)
      return this.#changed()
    }
    this.#started(range.start)
    return this.#stream(new ArrivingChunks(response.body), received, range.total)
  }

  async #stream(
    chunks: ArrivingChunks,
    received: ReceivedFile,
    total: number | undefined,
  ): Promise<DownloadOutcome> {
    const from = received.encodedBytes
    let toldBytes = this.#transferredBytes
    try {
      for await (const chunk of chunks) {
        await received.write(chunk)
        this.#transferredBytes += chunk.length
        await this.#remember(received)
        if (this.#transferredBytes - toldBytes < PROGRESS_BYTES) continue
        toldBytes = this.#transferredBytes
        this.#progressed(received)
      }
    } finally {
      const gained = received.encodedBytes - from
      if (gained > 0) this.#linkRefreshed = false
      if (gained >= PROGRESS_BYTES && this.#resumable !== undefined) this.#attempts.progressed()
    }
    const whole = total === undefined || received.encodedBytes === total
    return whole ? { end: 'arrived' } : { end: 'broken', reason: 'connection-lost' }
  }

  /** From here on a run that is interrupted can go on with this file where it stopped. */
  async #remember({ encodedBytes }: ReceivedFile): Promise<void> {
    if (this.#journaled || this.#resumable === undefined) return
    if (encodedBytes < WORTH_RESUMING_BYTES) return
    await this.#context.journal.begun(this.#promised.file.key, this.#resumable)
    this.#journaled = true
  }

  /** What is on disk is about to become something else than the journal says. */
  async #forget(): Promise<void> {
    this.#resumable = undefined
    if (!this.#journaled) return
    await this.#context.journal.begun(this.#promised.file.key, undefined)
    this.#journaled = false
  }

  /** The file at the URL is not the one of which we have a part. */
  #changed(): DownloadOutcome {
    this.#resumable = undefined
    return { end: 'broken', reason: 'content-changed' }
  }

  #explain(error: unknown): DownloadOutcome {
    const outcome = explainDownloadError(error)
    if (outcome === undefined) throw error
    // What is inside the decompressor is damaged, so there is nothing to go on from.
    if (outcome.end === 'broken' && outcome.reason === 'verification-failed') {
      this.#resumable = undefined
    }
    return outcome
  }

  async #verify(received: ReceivedFile): Promise<DownloadResult | undefined> {
    const { file } = this.#promised
    let content
    try {
      content = await received.finish()
    } catch (error) {
      return this.#react(this.#explain(error), received)
    }
    const problems = compareWithPromise(file, content, this.#expectedDigest)
    const facts = {
      count: content.lines.lines - content.lines.blankLines - content.lines.badLines,
      bytes: content.bytes,
      sha256: content.sha256,
    }
    const verified = { received: facts, problems, lines: content.lines }
    const errors = problems.filter(({ severity }) => severity === 'error')
    if (errors.length === 0) return this.#finish('complete', received, verified)
    const provenAsSent = file.expected.sha256 === content.sha256
    if (!provenAsSent && !(this.#verifiedBefore && this.#endIsCertain)) {
      this.#verifiedBefore = true
      this.#resumable = undefined
      if (await this.#attempts.failed('verification-failed')) return undefined
    }
    const isWholeButForLines = errors.every(({ code }) => code === 'LINE_INVALID')
    return this.#finish(isWholeButForLines ? 'partial' : 'rejected', received, verified)
  }

  /** Names the file. The journal comes first: a file with its name is never asked for again. */
  async #finish(
    state: 'complete' | 'partial' | 'rejected',
    received: ReceivedFile,
    verified: Pick<ExportedFile, 'received'> & Omit<DownloadResult, 'file'>,
  ): Promise<DownloadResult> {
    const { key } = this.#promised.file
    if (state === 'rejected') {
      await this.#forget()
      await received.publish(`${this.#path}.rejected`)
      return this.#result('rejected', verified)
    }
    if (state === 'partial') await this.#quarantine(received)
    await received.sync()
    const result = this.#result(state, verified)
    const { referenceRun } = received
    await this.#context.journal.done(key, {
      ...storedResult(result),
      ...(referenceRun !== undefined && { referenceRun }),
    })
    await received.publish(this.#path)
    this.#resumable = undefined
    return result
  }

  async #quarantine(received: ReceivedFile): Promise<void> {
    const { settings } = this.#context
    const { path } = this.#promised.file
    const place = join(settings.directory, 'quarantine', ...path.replace(/\.gz$/, '').split('/'))
    const usable = await PartFile.open(`${this.#path}.usable.part`)
    await received.replace(usable, place)
  }

  #started(offset: number): void {
    const { file } = this.#promised
    this.#context.emit({ type: 'download-started', file, attempt: this.#attemptCount, offset })
  }

  #progressed(received: ReceivedFile): void {
    this.#context.emit({
      type: 'download-progress',
      file: this.#promised.file,
      bytes: received.bytes,
      transferredBytes: this.#transferredBytes,
    })
  }

  #result(
    state: ExportedFileState,
    found: Pick<ExportedFile, 'received'> & Omit<DownloadResult, 'file'>,
  ): DownloadResult {
    const { received, problems, lines } = found
    const file: ExportedFile = {
      ...this.#promised.file,
      state,
      received,
      transferredBytes: this.#transferredBytes,
      attempts: this.#attemptCount,
      milliseconds: this.#context.settings.clock.now().getTime() - this.#startedMs,
      quarantinedLines: state === 'partial' ? (lines?.badLines ?? 0) : 0,
    }
    return { file, problems, lines }
  }
}

function storedResult({ file, problems, lines }: DownloadResult): StoredResult {
  return { file, problems, ...(lines !== undefined && { lines }) }
}
