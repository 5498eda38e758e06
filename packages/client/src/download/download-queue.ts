import { setMaxListeners } from 'node:events'
import type { ExportProblem } from '../export-report.ts'
import type { PromisedFile } from '../manifest/manifest-book.ts'
import type { ReferenceSpill } from '../references/reference-spill.ts'
import type { RunContext } from '../run-context.ts'
import { LineCheckPool } from '../verification/line-check-pool.ts'
import {
  downloadFile,
  type DownloadContext,
  type DownloadJournal,
  type DownloadResult,
} from './download-file.ts'
import { DownloadGate } from './download-gate.ts'
import { FileLinks } from './file-links.ts'
import { partFileBuffers } from './part-file.ts'

/**
 * Files under way for each request that is: while some arrive, others are flushed and journaled. The
 * gates see to it that there are no more requests than wanted.
 */
const FILES_PER_REQUEST = 4

/** What a {@link DownloadQueue} needs. */
export interface DownloadQueueOptions {
  readonly context: RunContext
  readonly statusUrl: URL
  readonly journal: DownloadJournal
  readonly spill: ReferenceSpill | undefined
  readonly transactionTime: () => string | undefined
  /** The file with its latest URL. */
  readonly latest: (key: string) => PromisedFile | undefined
  /** Called for each file when it is done with. */
  readonly onResult: (result: DownloadResult) => void
}

/**
 * Downloads and checks files, several at a time, while more may still be added.
 */
export class DownloadQueue implements AsyncDisposable {
  readonly #options: DownloadQueueOptions
  readonly #pool: LineCheckPool
  readonly #stop = new AbortController()
  readonly #shared: DownloadContext
  readonly #waiting: PromisedFile[] = []
  readonly #failures: unknown[] = []
  readonly #loops = new Set<Promise<void>>()

  constructor(options: DownloadQueueOptions) {
    this.#options = options
    const { context, statusUrl, journal, spill, transactionTime } = options
    this.#pool = new LineCheckPool(context.settings.verificationThreads)
    const signal =
      context.signal === undefined
        ? this.#stop.signal
        : AbortSignal.any([context.signal, this.#stop.signal])
    // Every download listens to it, and concurrency is the caller's to choose.
    setMaxListeners(0, signal)
    this.#shared = {
      ...context,
      signal,
      journal,
      spill,
      madeFolders: new Set<string>(),
      pool: this.#pool,
      links: new FileLinks(statusUrl, transactionTime, { ...context, signal }),
      gateFor: gates(context),
      gate: new DownloadGate(context.settings.concurrency, context.settings.clock),
      buffers: partFileBuffers(),
    }
  }

  /** @throws what ended an earlier download for reasons that are nobody's but ours. */
  add(files: readonly PromisedFile[]): void {
    if (this.#failures.length > 0) throw this.#failures[0]
    this.#waiting.push(...files)
    const { concurrency } = this.#options.context.settings
    const most = concurrency * FILES_PER_REQUEST
    const wanted = Math.min(most, this.#loops.size + this.#waiting.length)
    while (this.#loops.size < wanted) this.#start()
  }

  /**
   * Resolves when everything that was added is done with.
   *
   * @throws the signal's reason, and errors that are nobody's but ours; then nothing is under way any
   *   more.
   */
  async finished(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all(this.#loops)
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('The downloads are not wanted any more'))
    await Promise.all(this.#loops)
    await this.#pool[Symbol.asyncDispose]()
  }

  #start(): void {
    const loop = this.#run().finally(() => this.#loops.delete(loop))
    this.#loops.add(loop)
  }

  async #run(): Promise<void> {
    const { latest, onResult } = this.#options
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        onResult(await downloadFile(latest(next.file.key) ?? next, this.#shared))
      }
    } catch (error) {
      this.#failures.push(error)
      this.#waiting.length = 0
      this.#stop.abort(error)
    }
  }
}

/** One gate per host: a provider that throttles says nothing about its file server. */
function gates({ settings }: RunContext): (url: URL) => DownloadGate {
  const byOrigin = new Map<string, DownloadGate>()
  return ({ origin }) => {
    const gate = byOrigin.get(origin) ?? new DownloadGate(settings.concurrency, settings.clock)
    byOrigin.set(origin, gate)
    return gate
  }
}

/** Problems that show in the manifest itself, before anything is downloaded. */
export function manifestProblems(files: readonly PromisedFile[]): readonly ExportProblem[] {
  const problems: ExportProblem[] = []
  const pathByUrl = new Map<string, string>()
  for (const { file } of files) {
    const earlier = pathByUrl.get(file.url)
    if (earlier !== undefined) {
      const message = `The manifest names the file twice; the first is ${earlier}`
      problems.push({ code: 'DUPLICATE_URL', severity: 'warning', message, file: file.path })
    }
    pathByUrl.set(file.url, file.path)
    if (file.path.startsWith('unknown-type.')) {
      const message = 'The manifest gives the file a type that is not a resource type of FHIR R4'
      problems.push({ code: 'UNKNOWN_TYPE', severity: 'warning', message, file: file.path })
    }
  }
  return problems
}
