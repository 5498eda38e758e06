import type { Readable } from 'node:stream'
import { RequestInvalidError, type ExportLevel, type IgnoredParameter } from '@flatfhir/protocol'
import type { Job, JobReply, NewJob, OutputFile } from '../job-store.ts'
import type { ByteRange, OutputFileKey } from '../output-file-store.ts'
import type { ExportQuery, Snapshot } from '../resource-store.ts'
import { errorCodeOf, ServerStoppingError } from './errors.ts'
import {
  exportJobsSettings,
  type ExportJobsOptions,
  type ExportJobsSettings,
} from './export-jobs-options.ts'
import type { ExportStatus, InProgressStatus, ManifestPage } from './export-status.ts'
import { JobProgress } from './job-progress.ts'
import { JobRun } from './job-run.ts'
import { isPageReady, pageRange } from './manifest-pages.ts'
import { PartitionScheduler } from './partition-scheduler.ts'
import { within } from './within.ts'

/** What a kick-off request asks for, checked and resolved. */
export interface KickOffInput {
  /** The client that asks; absent while nobody has to log in. */
  readonly clientId?: string
  /** The kick-off request's URL, for the manifest. */
  readonly requestUrl: string
  readonly query: ExportQuery
  /** @defaultValue STU3, one manifest when all is done, HTTP statuses that tell of the job */
  readonly reply?: JobReply
  /**
   * Patients that the export is not about are left out and reported, instead of refused.
   *
   * @defaultValue `false`
   */
  readonly lenient?: boolean
  /** Each becomes an OperationOutcome in an outcome file of the job. */
  readonly ignoredParameters: readonly IgnoredParameter[]
}

/** A file of a complete job. */
export interface FoundFile {
  readonly job: Job
  readonly file: OutputFile
}

/**
 * The export jobs of one Data Provider: takes them on, runs them behind the scenes, answers for
 * them, and removes them when they expire. One process at a time may do so for a job store.
 *
 * What is done is in the job store; everything else can be done again. So a process may end at any
 * moment, and the next one goes on with what is unfinished.
 */
export class ExportJobs implements AsyncDisposable {
  readonly #settings: ExportJobsSettings
  readonly #scheduler: PartitionScheduler
  /** Of unfinished jobs. */
  readonly #runs = new Map<string, JobRun>()
  readonly #working = new Set<Promise<void>>()
  /** Kick-offs between their snapshot and their row, which pruning knows nothing of. */
  #kickOffs = 0
  #latestTransactionTime = new Date(0)
  #sweepTimer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #parking: Promise<void> | undefined

  private constructor(settings: ExportJobsSettings) {
    this.#settings = settings
    const { workers, graceMs, maxFileBytes, storedEncoding, gzipLevel } = settings
    this.#scheduler = new PartitionScheduler({
      workers,
      graceMs,
      workerOptions: {
        readerModule: settings.resources.partitionReader,
        filesModule: settings.files.workerModule,
        maxFileBytes,
        storedEncoding,
        gzipLevel,
      },
      onWorkerLost: (errorCode) => {
        settings.onEvent({ name: 'worker-lost', errorCode })
      },
    })
  }

  /**
   * Removes what an earlier process has left half-done, and goes on with its unfinished jobs.
   *
   * @throws RangeError that names the option at fault.
   */
  static async start(options: ExportJobsOptions): Promise<ExportJobs> {
    const exportJobs = new ExportJobs(exportJobsSettings(options))
    await exportJobs.#removeLeftovers()
    await exportJobs.#resume()
    const { sweepIntervalMs } = exportJobs.#settings
    exportJobs.#sweepTimer = setInterval(() => void exportJobs.sweep(), sweepIntervalMs).unref()
    return exportJobs
  }

  /** Of the exports that this process has taken on, or went on with. */
  get latestTransactionTime(): Date {
    return this.#latestTransactionTime
  }

  /** What clients may know of how exports are kept. */
  get limits(): Pick<ExportJobsSettings, 'maxFileBytes' | 'retentionMs' | 'storedEncoding'> {
    const { maxFileBytes, retentionMs, storedEncoding } = this.#settings
    return { maxFileBytes, retentionMs, storedEncoding }
  }

  /**
   * Takes the snapshot that the whole export is as of, and writes the job down. Planning and running
   * go on behind the answer.
   *
   * @throws ServerStoppingError after {@link ExportJobs.park}; `RequestInvalidError` for patients that
   *   the export is not about, unless the request is lenient.
   */
  async kickOff(input: KickOffInput): Promise<Job> {
    if (this.#parking !== undefined) throw new ServerStoppingError()
    const { resources, jobs, randomId, clock } = this.#settings
    this.#kickOffs += 1
    try {
      const snapshot = await resources.takeSnapshot()
      this.#noteTime(snapshot)
      const { clientId, query, requestUrl, reply = DEFAULT_REPLY } = input
      const missing = await this.#missingPatients(input, snapshot)
      const newJob: NewJob = {
        ...{ jobId: randomId(), level: query.level, requestUrl, query, reply, snapshot },
        ...(clientId !== undefined && { clientId }),
        ignoredParameters: [...input.ignoredParameters, ...missing],
        createdAt: clock(),
      }
      await jobs.insert(newJob)
      const state = { name: 'accepted' } as const
      const job: Job = { ...newJob, state }
      this.#settings.onEvent({ name: 'job-accepted', jobId: job.jobId })
      this.#run(job)
      return job
    } finally {
      this.#kickOffs -= 1
    }
  }

  /**
   * How far a job is, and the files that can be told.
   *
   * @param page - Of the manifest, from 0; there are others only with `allowPartialManifests`.
   * @returns `undefined` for unknown, deleted and expired jobs, and for pages that are not there.
   */
  async status(jobId: string, page = 0): Promise<ExportStatus | undefined> {
    const job = await this.#findUnexpired(jobId)
    if (job === undefined) return undefined
    const run = this.#runs.get(jobId)
    const { state } = job
    if (state.name === 'failed') return { state: 'error', job, issue: state.issue }
    const isComplete = state.name === 'complete' && !this.#isYoung(job)
    if (!isComplete && run?.failure !== undefined) {
      return { state: 'error', job, issue: run.failure }
    }
    const found = await this.#page(job, { page, isComplete })
    if (page > 0 && found === undefined) return undefined
    // Deleted in the meantime, its files would look like none, and the export like an empty one.
    if (found !== undefined && (await this.#settings.jobs.find(jobId)) === undefined)
      return undefined
    if (isComplete && found !== undefined) {
      const { completedAt, expiresAt } = state
      return { state: 'complete', job, ...found, completedAt, expiresAt }
    }
    const inProgress = this.#inProgress(job, run?.progress)
    const ending = state.name === 'complete' ? ALL_BUT_DONE : {}
    return { ...inProgress, ...ending, ...(found !== undefined && { partial: found }) }
  }

  /** `undefined` unless the job, or the part of it that may be told, is complete and has not expired. */
  async findFile(key: OutputFileKey): Promise<FoundFile | undefined> {
    const job = await this.#findUnexpired(key.jobId)
    if (job === undefined || job.state.name === 'failed') return undefined
    if (job.state.name !== 'complete' && !job.reply.allowPartialManifests) return undefined
    const file = await this.#settings.jobs.findFile(key.jobId, key.fileId)
    return file && { job, file }
  }

  /**
   * Opens a file that {@link ExportJobs.findFile} has found: its bytes as stored, which is what
   * `OutputFile.storedEncoding` says. The stream must be read to its end or destroyed.
   *
   * @returns `undefined` when the job was deleted in the meantime.
   */
  async openFile(key: OutputFileKey, range?: ByteRange): Promise<Readable | undefined> {
    return this.#settings.files.read(key, range)
  }

  /**
   * Forgets a job, in whatever state: its work stops, its files go.
   *
   * @returns `false` when there was no such job.
   * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request | Bulk Data: Delete Request}
   */
  async delete(jobId: string): Promise<boolean> {
    const existed = await this.#forget(jobId)
    if (existed) this.#settings.onEvent({ name: 'job-deleted', jobId })
    return existed
  }

  /** How many of the client's jobs are unfinished, for limits. */
  async countUnfinished(clientId: string | undefined): Promise<number> {
    return this.#settings.jobs.countUnfinished(clientId)
  }

  /**
   * Removes expired jobs and versions of resources that no export needs any more. Runs by itself
   * every `sweepIntervalMs`. Never rejects: what failed is tried again the next time.
   */
  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepOnce().finally(() => {
      this.#sweeping = undefined
    })
    await this.#sweeping
  }

  /**
   * Ends the work for now: partitions that are being written may finish within `graceMs`, the rest is
   * left to the next process. Status, files and deletion are answered as before.
   */
  async park(): Promise<void> {
    this.#parking ??= this.#park()
    await this.#parking
  }

  /** Parks; the stores are their owner's to close. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.park()
  }

  async #park(): Promise<void> {
    clearInterval(this.#sweepTimer)
    for (const run of this.#runs.values()) run.leave()
    await this.#scheduler.stop()
    await within(this.#settings.graceMs, Promise.all([...this.#working, this.#sweeping]))
  }

  async #removeLeftovers(): Promise<void> {
    const { jobs, files } = this.#settings
    for (const jobId of await files.jobIds()) {
      const retained = await jobs.files(jobId)
      // None at all also where the job is unknown or has failed.
      if (retained.length === 0 || (await jobs.find(jobId))?.state.name === 'failed') {
        await files.deleteJob(jobId)
      } else {
        const fileIds = retained.map(({ fileId }) => fileId)
        await files.retainFiles(jobId, fileIds)
      }
    }
  }

  async #resume(): Promise<void> {
    for (const job of await this.#settings.jobs.unfinished()) {
      this.#settings.onEvent({ name: 'job-resumed', jobId: job.jobId })
      this.#noteTime(job.snapshot)
      this.#run(job)
    }
  }

  #noteTime({ transactionTime }: Snapshot): void {
    if (transactionTime > this.#latestTransactionTime) this.#latestTransactionTime = transactionTime
  }

  #run(job: Job): void {
    const run = new JobRun(job, { settings: this.#settings, scheduler: this.#scheduler })
    this.#runs.set(job.jobId, run)
    if (this.#parking === undefined) this.#work(run)
  }

  #work(run: JobRun): void {
    const { jobId } = run.job
    const working = run.work().then((ended) => {
      this.#working.delete(working)
      if (ended && this.#runs.get(jobId) === run) this.#runs.delete(jobId)
    })
    this.#working.add(working)
  }

  async #forget(jobId: string): Promise<boolean> {
    const { jobs, files } = this.#settings
    const existed = await jobs.delete(jobId)
    if (!existed) return false
    const run = this.#runs.get(jobId)
    this.#runs.delete(jobId)
    await run?.stop()
    await files.deleteJob(jobId)
    return true
  }

  async #findUnexpired(jobId: string): Promise<Job | undefined> {
    const job = await this.#settings.jobs.find(jobId)
    if (job === undefined || !('expiresAt' in job.state)) return job
    return job.state.expiresAt > this.#settings.clock() ? job : undefined
  }

  async #missingPatients(
    { query, lenient = false }: KickOffInput,
    snapshot: Snapshot,
  ): Promise<readonly IgnoredParameter[]> {
    if (query.patientIds === undefined) return []
    const missing = await this.#settings.resources.missingPatients(query, snapshot)
    if (missing.length === 0) return []
    if (!lenient) throw patientsMissing(missing.length, query.level)
    return missing.map((id) => ({ name: 'patient', reason: `there is no Patient/${id} here` }))
  }

  async #page(
    { jobId, reply }: Job,
    { page, isComplete }: { readonly page: number; readonly isComplete: boolean },
  ): Promise<ManifestPage | undefined> {
    const { jobs } = this.#settings
    if (!reply.allowPartialManifests) {
      return isComplete && page === 0 ? { files: await jobs.files(jobId) } : undefined
    }
    const committed = { files: await jobs.countFiles(jobId), complete: isComplete }
    if (!isPageReady(page, committed)) return undefined
    const files = await jobs.committedFiles(jobId, pageRange(page))
    return { files, ...(isPageReady(page + 1, committed) && { nextPage: page + 1 }) }
  }

  #inProgress(job: Job, progress?: JobProgress): InProgressStatus {
    const nowMs = this.#settings.clock().getTime()
    const known = progress ?? new JobProgress(nowMs)
    return {
      state: 'in-progress',
      job,
      percent: known.percent(),
      progress: known.text(),
      retryAfterSeconds: known.retryAfterSeconds(nowMs),
    }
  }

  #isYoung(job: Job): boolean {
    const ageMs = this.#settings.clock().getTime() - job.createdAt.getTime()
    // A clock that was set back makes no job young again.
    return ageMs >= 0 && ageMs < this.#settings.minimumInProgressMs
  }

  async #sweepOnce(): Promise<void> {
    const { jobs, clock, onEvent } = this.#settings
    try {
      for (const jobId of await jobs.expired(clock())) {
        if (await this.#forget(jobId)) onEvent({ name: 'job-expired', jobId })
      }
      for (const run of this.#runs.values()) if (run.failure !== undefined) this.#work(run)
      await this.#prune()
    } catch (error) {
      onEvent({ name: 'sweep-failed', errorCode: errorCodeOf(error) })
    }
  }

  async #prune(): Promise<void> {
    const { resources, jobs, clock, pruneAfterMs } = this.#settings
    let before = clock().getTime() - pruneAfterMs
    for (const { snapshot } of await jobs.unfinished()) {
      before = Math.min(before, snapshot.transactionTime.getTime())
    }
    if (this.#kickOffs === 0) await resources.prune(new Date(before))
  }
}

/** Does not name them: errors are logged. */
function patientsMissing(count: number, level: ExportLevel): RequestInvalidError {
  const whose = level === 'group' ? 'members of the Group' : 'patients of this server'
  return new RequestInvalidError('not-found', `${count} of the patients are no ${whose}`, {
    nextStep: 'Send Prefer: handling=lenient to export the others and have these reported.',
  })
}

const DEFAULT_REPLY: JobReply = {
  edition: 'stu3',
  allowPartialManifests: false,
  separateExportStatus: false,
}
const ALL_BUT_DONE = { percent: 99, progress: '99% complete, finishing', retryAfterSeconds: 1 }
