import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CollectedAttachments, collectAttachments } from './attachments/collect-attachments.ts'
import { packFiles } from './compact/pack-files.ts'
import { deleteExport } from './delete-export.ts'
import type { DownloadResult } from './download/download-file.ts'
import { DownloadQueue, manifestProblems } from './download/download-queue.ts'
import type { ExportProblem, ExportReport } from './export-report.ts'
import { summarize } from './export-summary.ts'
import { backOffMs } from './http/back-off.ts'
import type { ExportLog } from './log/export-log.ts'
import { ManifestBook, type PromisedFile } from './manifest/manifest-book.ts'
import { requestStatus, type StatusAnswer } from './manifest/request-status.ts'
import { walkManifest } from './manifest/walk-manifest.ts'
import { buildReceipt } from './receipt/build-receipt.ts'
import { readReceipt } from './receipt/read-receipt.ts'
import type { Receipt } from './receipt/receipt.ts'
import { writeReceipt } from './receipt/receipt-file.ts'
import { ReferenceSpill } from './references/reference-spill.ts'
import { unresolvedReferences } from './references/unresolved-references.ts'
import type { RunContext } from './run-context.ts'
import { OWN_FOLDER, type RunFolder } from './run-folder.ts'

const SHORTEST_POLL_MS = 250
/** Of unfinished files; where there are several, the first is what becomes the file. */
const PART_SUFFIXES = ['.usable.part', '.kept.part', '.part'] as const

/** What {@link Collector.collect} ends with. */
export interface CollectOutcome {
  readonly report: ExportReport
}

/** What a poll found, for {@link ExportJobStatus}. */
export interface PollResult {
  readonly progress?: string
  readonly percent?: number
}

/**
 * Brings the files of an export that was started to disk: waits for the manifest, fetches files as
 * they become known, and writes the receipt.
 */
export class Collector {
  readonly #context: RunContext
  readonly #folder: RunFolder
  readonly #log: ExportLog
  readonly #book: ManifestBook
  readonly #results = new Map<string, DownloadResult>()
  #queue: DownloadQueue | undefined
  #polls = 0

  constructor(context: RunContext, folder: RunFolder, log: ExportLog) {
    this.#context = context
    this.#folder = folder
    this.#log = log
    this.#book = new ManifestBook(context.settings.gzip)
    for (const page of folder.state.pages) this.#book.add(page)
    for (const [key, { file, problems, lines }] of folder.state.results) {
      this.#results.set(key, { file, problems, lines })
    }
  }

  /** Paths of what a download that was given up may have left. */
  unfinishedParts(): readonly string[] {
    return this.#book.files.flatMap(({ file: { path } }) => {
      return PART_SUFFIXES.map((suffix) => `${path}${suffix}`)
    })
  }

  /** Asks for the status once, and notes what the answer tells. */
  async poll(): Promise<PollResult> {
    const answer = await requestStatus(this.#statusUrl(), this.#context)
    await this.#note(answer)
    if (answer.state === 'complete') return {}
    const { progress, percent } = answer
    return {
      ...(progress !== undefined && { progress }),
      ...(percent !== undefined && { percent }),
    }
  }

  /** Waits for the manifest and fetches every file of it that is not on disk yet. */
  async collect(): Promise<CollectOutcome> {
    await this.#finishRenames()
    await using spill = await this.#openSpill()
    await using queue = this.#openQueue(spill)
    this.#queue = queue
    queue.add(this.#unfinished())
    while (this.#folder.state.manifestAt === undefined) {
      await this.#untilNextPoll()
      await this.poll()
    }
    this.#tellManifest()
    await queue.finished()
    // Its threads have done their work; what comes next needs memory of its own.
    await queue[Symbol.asyncDispose]()
    return { report: await this.#report() }
  }

  async #openSpill(): Promise<ReferenceSpill | null> {
    const isWanted = this.#context.settings.checkReferences && this.#unfinishedRun()
    return isWanted ? ReferenceSpill.open(this.#spillPath()) : null
  }

  #spillPath(): string {
    return join(this.#folder.path, OWN_FOLDER, 'references.bin')
  }

  /** A collected export is only told about again. */
  #unfinishedRun(): boolean {
    return this.#folder.state.collected?.verdict !== 'complete'
  }

  #openQueue(spill: ReferenceSpill | null): DownloadQueue {
    const { state } = this.#folder
    return new DownloadQueue({
      context: this.#context,
      statusUrl: this.#statusUrl(),
      spill: spill ?? undefined,
      transactionTime: () => this.#book.transactionTime,
      latest: (key) => this.#book.file(key),
      journal: {
        validator: (key) => state.validators.get(key),
        begun: async (key, validator) =>
          this.#folder.record({ type: 'file-begun', key, ...validator }),
        done: async (key, result) => this.#folder.record({ type: 'file-done', key, result }),
      },
      onResult: (result) => {
        this.#results.set(result.file.key, result)
        for (const problem of result.problems) this.#context.emit({ type: 'problem', problem })
        this.#context.emit({ type: 'download-finished', file: result.file })
      },
    })
  }

  #unfinished(): readonly PromisedFile[] {
    return this.#book.files.filter(({ file }) => !this.#folder.state.results.has(file.key))
  }

  #statusUrl(): URL {
    const { statusUrl } = this.#folder.state
    if (statusUrl === undefined) throw new TypeError('The export has not been started')
    return new URL(statusUrl)
  }

  /** A file that is in the journal as done may have died one step before it got its name. */
  async #finishRenames(): Promise<void> {
    const done = new Set([...this.#folder.state.results.values()].map(({ file }) => file.path))
    for (const folder of ['', 'deleted/', 'error/']) {
      const names = new Set(await readdir(join(this.#folder.path, folder)).catch(() => []))
      for (const suffix of PART_SUFFIXES) {
        for (const name of [...names].filter((each) => each.endsWith(suffix))) {
          const target = name.slice(0, -suffix.length)
          if (!done.has(`${folder}${target}`)) continue
          const path = join(this.#folder.path, folder, name)
          if (names.has(target)) await rm(path, { force: true })
          else await rename(path, join(this.#folder.path, folder, target))
          names.add(target)
          names.delete(name)
        }
      }
    }
  }

  async #untilNextPoll(): Promise<void> {
    const { settings, signal, profile } = this.#context
    const { statusNotBefore } = this.#folder.state
    if (statusNotBefore === undefined) return
    const longestMs = (settings.maxRetryAfterSeconds ?? profile.maxRetryAfterSeconds) * 1000
    const waitMs = Date.parse(statusNotBefore) - settings.clock.now().getTime()
    if (waitMs > 0) await settings.clock.wait(Math.min(waitMs, longestMs), signal)
  }

  async #note(answer: StatusAnswer): Promise<void> {
    if (answer.page !== undefined) await this.#notePages(answer)
    if (answer.state === 'complete') {
      await this.#folder.record({ type: 'manifest-complete', at: this.#folder.now() })
      return
    }
    this.#polls += 1
    const { settings, profile, emit } = this.#context
    const nowMs = settings.clock.now().getTime()
    const waitMs = Math.max(
      answer.retryAfterMs ?? backOffMs(this.#polls, settings.random),
      profile.pollFloorSeconds * 1000,
      SHORTEST_POLL_MS,
    )
    const until = new Date(nowMs + waitMs).toISOString()
    await this.#folder.record({ type: 'status-wait', until })
    const kickOffMs = Date.parse(this.#folder.state.kickOffAt ?? until)
    const { progress, percent } = answer
    emit({ type: 'status-progress', progress, percent, waitMs, elapsedMs: nowMs - kickOffMs })
  }

  async #notePages({ page: first }: StatusAnswer): Promise<void> {
    if (first === undefined) return
    const pages = walkManifest(first, this.#context, this.#book.pageUrls)
    for await (const { page, url, manifest } of pages) {
      const stored = { page, url: url.href, manifest }
      if (!this.#book.isNews(stored)) continue
      await this.#folder.record({ type: 'manifest-page', ...stored })
      const added = this.#book.add(stored)
      const files = added.map(({ file }) => file)
      this.#context.emit({ type: 'manifest-page', page, files })
      this.#queue?.add(added)
    }
  }

  #tellManifest(): void {
    const files = this.#book.files.map(({ file }) => file)
    const pages = this.#book.pageUrls.length
    this.#context.emit({ type: 'manifest', transactionTime: this.#transactionTime(), pages, files })
  }

  #transactionTime(): Date {
    return new Date(this.#book.transactionTime ?? 0)
  }

  async #report(): Promise<ExportReport> {
    await this.#folder.sync()
    const results = this.#book.files.flatMap(({ file }) => this.#results.get(file.key) ?? [])
    const early = [...this.#kickOffProblems(), ...manifestProblems(this.#book.files)]
    for (const problem of early) this.#context.emit({ type: 'problem', problem })
    const problems = [...early, ...results.flatMap((result) => result.problems)]
    const draft = this.#draft(results, problems)
    const unresolved = await this.#unresolved()
    const attachments = await this.#attachments(results)
    for (const problem of attachments?.problems ?? []) {
      this.#context.emit({ type: 'problem', problem })
    }
    problems.push(...(attachments?.problems ?? []))
    await this.#pack(results)
    const finish = async (report: Omit<ExportReport, 'receipt'>): Promise<ExportReport> => {
      const receipt = buildReceipt({
        ...{ state: this.#folder.state, settings: this.#context.settings, report, results },
        profile: this.#context.profile,
        pages: this.#book.pageUrls.length,
        finishedAt: this.#folder.state.collected?.at ?? this.#folder.now(),
        packedInto: (path) => this.#packedInto(path),
        unresolvedReferences: unresolved,
        attachments: attachments?.receipt,
      })
      await writeReceipt(this.#folder.path, receipt)
      return { ...report, receipt }
    }
    // Durable before the provider is told that it can forget the files.
    const report = await finish(draft)
    await this.#recordCollected(report, attachments?.receipt.fetched ?? 0)
    const { deleted, problems: more } = await this.#delete(draft.verdict)
    if (!deleted && more.length === 0) return report
    return finish({ ...draft, deleted, problems: [...problems, ...more] })
  }

  /** Before files are packed, and while the provider still has what they refer to. */
  async #attachments(
    results: readonly DownloadResult[],
  ): Promise<CollectedAttachments | undefined> {
    if (!this.#unfinishedRun()) {
      const known = await readReceipt(this.#folder.path).catch(() => undefined)
      return known?.attachments && { receipt: known.attachments, problems: [] }
    }
    const there = results.filter(({ file }) => !this.#folder.state.packed.has(file.path))
    return collectAttachments(there, this.#context, (key) => {
      return this.#book.file(key)?.requiresAccessToken ?? false
    })
  }

  async #pack(results: readonly DownloadResult[]): Promise<void> {
    const { settings, signal } = this.#context
    const { compactBytes } = settings
    if (compactBytes === undefined || !this.#unfinishedRun()) return
    await packFiles(this.#folder, results, { compactBytes, signal })
  }

  #packedInto(path: string): readonly string[] | undefined {
    const packed = this.#folder.state.packed.get(path)
    return packed === undefined ? undefined : [packed]
  }

  /** Looked at before the export is collected, and from then on taken from its receipt. */
  async #unresolved(): Promise<Receipt['unresolvedReferences']> {
    if (!this.#context.settings.checkReferences) return undefined
    if (!this.#unfinishedRun()) {
      const known = await readReceipt(this.#folder.path).catch(() => undefined)
      return known?.unresolvedReferences
    }
    const runs = new Map<number, number>()
    for (const { file, referenceRun } of this.#folder.state.results.values()) {
      if (referenceRun !== undefined) runs.set(referenceRun.run, referenceRun.frames)
      else if (file.kind === 'output') return undefined
    }
    return unresolvedReferences(this.#spillPath(), runs)
  }

  #draft(
    results: readonly DownloadResult[],
    problems: readonly ExportProblem[],
  ): Omit<ExportReport, 'receipt'> {
    const { state } = this.#folder
    const nowMs = Date.parse(this.#folder.now())
    const startedMs = Date.parse(state.startedAt ?? this.#folder.now())
    const kickOffMs = Date.parse(state.kickOffAt ?? this.#folder.now())
    const manifestMs = Date.parse(state.manifestAt ?? this.#folder.now())
    return {
      ...summarize(results),
      transactionTime: this.#transactionTime(),
      statusUrl: this.#statusUrl().href,
      deleted: state.deletedAt !== undefined,
      problems,
      timings: {
        kickOffMs: kickOffMs - startedMs,
        statusMs: manifestMs - kickOffMs,
        downloadMs: nowMs - manifestMs,
        totalMs: nowMs - startedMs,
      },
    }
  }

  async #recordCollected(report: ExportReport, attachments: number): Promise<void> {
    const known = this.#folder.state.collected?.verdict
    if (known === 'complete') return
    const { verdict, timings } = report
    await this.#folder.record({ type: 'collected', at: this.#folder.now(), verdict })
    if (verdict === 'complete') await rm(this.#spillPath(), { force: true })
    this.#log.exportComplete(report, { attachments, durationMs: timings.totalMs })
  }

  #kickOffProblems(): readonly ExportProblem[] {
    const lost = this.#folder.state.kickOffsLost
    if (lost === 0) return []
    const message = `${lost} kick-off requests were interrupted before their answer: as many exports may be left at the provider`
    return [{ code: 'KICK_OFF_REPEATED', severity: 'warning', message }]
  }

  async #delete(
    verdict: ExportReport['verdict'],
  ): Promise<{ readonly deleted: boolean; readonly problems: readonly ExportProblem[] }> {
    const { settings, emit } = this.#context
    if (this.#folder.state.deletedAt !== undefined) return { deleted: true, problems: [] }
    if (verdict !== 'complete' || !settings.deleteWhenDone) return { deleted: false, problems: [] }
    const statusUrl = this.#statusUrl()
    const answer = await deleteExport(statusUrl, this.#context)
    if (answer.deleted) {
      await this.#folder.record({ type: 'deleted', at: this.#folder.now() })
      emit({ type: 'deleted', statusUrl: statusUrl.href })
      return { deleted: true, problems: [] }
    }
    const message = `The export was not deleted at the provider: ${answer.reason}`
    const problem: ExportProblem = { code: 'DELETE_FAILED', severity: 'warning', message }
    emit({ type: 'problem', problem })
    return { deleted: false, problems: [problem] }
  }
}
