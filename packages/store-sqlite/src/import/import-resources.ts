import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { RESOURCES_FILE } from '../resource-store/sqlite-resource-store.ts'
import { reviveError, StoreWorkerLostError } from '../worker-errors.ts'
import type {
  ImportCounts,
  ImportProblem,
  ReadingMessage,
  ReadingOptions,
  ReadingRequest,
  WritingMessage,
  WritingOptions,
} from './import-messages.ts'
import { findImportSources, type ImportSource } from './import-source.ts'

/** How resources are imported. */
export interface ImportOptions {
  /** The data directory; made if it is not there. A server may be running on it. */
  readonly directory: string
  /** Files and folders. */
  readonly paths: readonly string[]
  readonly signal?: AbortSignal
  /** Called after every transaction. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Called for everything that could not be imported. */
  readonly onProblem?: (problem: ImportProblem) => void
  /**
   * Longest line accepted, in bytes.
   *
   * @defaultValue 64 MiB
   */
  readonly maxLineBytes?: number
}

/** How far an import is. */
export interface ImportProgress extends ImportCounts {
  readonly files: number
  readonly filesRead: number
}

/** What an import did. */
export interface ImportSummary extends ImportCounts {
  readonly files: number
  /** Resources that are in the store now, whether or not they were before. */
  readonly resources: number
  readonly problems: number
  readonly seconds: number
}

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024
const MAX_READING_THREADS = 4

/**
 * Imports NDJSON files and Bundles. Threads of their own read and index, one writes; what cannot be
 * read is reported and passed over. The same content twice makes no new version.
 *
 * Each transaction holds a few thousand resources. An import that is cut off leaves whole
 * transactions behind; running it again goes over them and goes on.
 *
 * @throws `ImportPathError` before anything is written, when a path cannot be imported.
 * @throws The signal's reason, when it is aborted.
 */
export async function importResources(options: ImportOptions): Promise<ImportSummary> {
  const sources = await findImportSources(options.paths)
  await mkdir(options.directory, { recursive: true })
  options.signal?.throwIfAborted()
  await using run = new ImportRun(options, sources)
  return await run.finished
}

class ImportRun implements AsyncDisposable {
  readonly finished: Promise<ImportSummary>
  readonly #options: ImportOptions
  readonly #sources: readonly ImportSource[]
  readonly #threads: Worker[] = []
  readonly #startedAt = performance.now()
  #counts: ImportCounts = { created: 0, updated: 0, unchanged: 0, deleted: 0, bytes: 0 }
  #nextSource = 0
  #filesRead = 0
  #problems = 0

  constructor(options: ImportOptions, sources: readonly ImportSource[]) {
    this.#options = options
    this.#sources = sources
    this.finished = new Promise((resolve, reject) => {
      options.signal?.addEventListener('abort', () => {
        reject(options.signal?.reason as Error)
      })
      this.#start(resolve, reject)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  #start(resolve: (summary: ImportSummary) => void, reject: (error: Error) => void): void {
    const readers = Math.min(
      Math.max(1, availableParallelism() - 1),
      MAX_READING_THREADS,
      this.#sources.length,
    )
    const channels = Array.from({ length: readers }, () => new MessageChannel())
    const writing = this.#spawn('./writing-thread.js', reject, {
      path: join(this.#options.directory, RESOURCES_FILE),
      ports: channels.map(({ port1 }) => port1),
    } satisfies WritingOptions)
    writing.on('message', (message: WritingMessage) => {
      if (message.kind === 'written') this.#count(message.counts)
      else if (message.kind === 'done') resolve(this.#summary())
      else reject(reviveError(message.error))
    })
    for (const { port2 } of channels) this.#startReading(port2, reject)
  }

  #startReading(batches: ReadingOptions['batches'], reject: (error: Error) => void): void {
    const maxLineBytes = this.#options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES
    const options: ReadingOptions = { batches, maxLineBytes }
    const reading = this.#spawn('./reading-thread.js', reject, options)
    reading.on('message', (message: ReadingMessage) => {
      if (message.kind === 'problem') {
        this.#problems += 1
        this.#options.onProblem?.(message.problem)
      } else {
        this.#filesRead += 1
        this.#readNext(reading)
      }
    })
    this.#readNext(reading)
  }

  #readNext(reading: Worker): void {
    const source = this.#sources[this.#nextSource]
    this.#nextSource += 1
    const request: ReadingRequest =
      source === undefined ? { kind: 'finish' } : { kind: 'read', source }
    reading.postMessage(request)
  }

  #spawn(
    module: string,
    reject: (error: Error) => void,
    options: ReadingOptions | WritingOptions,
  ): Worker {
    const transferList = 'ports' in options ? options.ports : [options.batches]
    const thread = new Worker(new URL(module, import.meta.url), {
      workerData: options,
      transferList: [...transferList],
    })
    thread.on('error', ({ name }) => {
      reject(new StoreWorkerLostError(name))
    })
    this.#threads.push(thread)
    return thread
  }

  #count(counts: ImportCounts): void {
    const before = this.#counts
    this.#counts = {
      created: before.created + counts.created,
      updated: before.updated + counts.updated,
      unchanged: before.unchanged + counts.unchanged,
      deleted: before.deleted + counts.deleted,
      bytes: before.bytes + counts.bytes,
    }
    this.#options.onProgress?.({
      ...this.#counts,
      files: this.#sources.length,
      filesRead: this.#filesRead,
    })
  }

  #summary(): ImportSummary {
    const { created, updated, unchanged } = this.#counts
    return {
      ...this.#counts,
      files: this.#sources.length,
      resources: created + updated + unchanged,
      problems: this.#problems,
      seconds: (performance.now() - this.#startedAt) / 1000,
    }
  }
}
