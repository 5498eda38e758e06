import { setTimeout as delay } from 'node:timers/promises'
import type { IgnoredParameter, OutcomeIssue } from '@flatfhir/protocol'
import type { Job, JobPartition, OutputFile } from '../job-store.ts'
import type { PartitionTask } from '../partition-worker/messages.ts'
import type { Partition } from '../resource-store.ts'
import { errorCodeOf, JobFailedError, jobFailureIssue, type JobFailure } from './errors.ts'
import type { ExportJobsSettings } from './export-jobs-options.ts'
import { JobProgress } from './job-progress.ts'
import type { PartitionScheduler } from './partition-scheduler.ts'

/** However large files are asked for, a crash makes the server redo no more than this. */
const MAX_PARTITION_BYTES = 1024 * 1024 * 1024

/** Where files may be told before the end, the first ones are there soon. */
const PARTIAL_PARTITION_BYTES = 16 * 1024 * 1024

/** What all runs share. */
export interface JobRunContext {
  readonly settings: ExportJobsSettings
  readonly scheduler: PartitionScheduler
}

/** Marks the partition that is no part of the store's plan: the job's own outcome file. */
const IGNORED_PARAMETERS_SELECTOR = 'flatfhir:ignored-parameters'

/**
 * One process's work on one unfinished job.
 *
 * The job's state is in the job store; a run only moves it on, and can be cut off anywhere:
 *
 * - *accepted*: the plan is made and saved, which makes the job *running*. Cut off before that, the
 *   next run plans again, and comes to the same plan, because everything is as of the snapshot.
 * - *running*: each partition that is not committed is written and committed, several at a time. Cut
 *   off, its files are leftovers that belong to nobody, and the next run does it again.
 * - *complete*: every partition is committed and the leftovers are removed.
 * - *failed*: planning, or one partition, failed too often. The files are removed.
 *
 * A run that was stopped leaves the state alone.
 */
export class JobRun {
  readonly job: Job
  readonly progress: JobProgress
  readonly #context: JobRunContext
  /** No further attempt is made once this is aborted: the run was stopped, or the job has failed. */
  readonly #halt = new AbortController()
  #stopped = false
  #failure: OutcomeIssue | undefined
  #writing: Promise<unknown> | undefined

  constructor(job: Job, context: JobRunContext) {
    this.job = job
    this.#context = context
    this.progress = new JobProgress(context.settings.clock().getTime())
  }

  /** Why the job has failed, known even while the job store cannot be told. */
  get failure(): OutcomeIssue | undefined {
    return this.#failure
  }

  /**
   * Works until the job is finished or the run is stopped. Never rejects.
   *
   * @returns `false` when a failure could not be written down; calling it again tries again.
   */
  async work(): Promise<boolean> {
    if (this.#failure !== undefined) return this.#fail(this.#failure)
    try {
      if (this.job.state.name === 'accepted') await this.#plan()
      if (!this.#stopped) await this.#writePartitions()
      if (!this.#stopped) await this.#complete()
      return true
    } catch (error) {
      if (this.#stopped) return true
      this.#failure = jobFailureIssue(error)
      const errorCode = error instanceof JobFailedError ? error.failure : errorCodeOf(error)
      this.#emit({ name: 'job-failed', jobId: this.job.jobId, errorCode })
      return this.#fail(this.#failure)
    }
  }

  /** Leaves the job's state alone from now on; partitions that are being written may still commit. */
  leave(): void {
    this.#stopped = true
    this.#halt.abort()
  }

  /** Stops working; when it resolves, nothing writes files of the job any more. */
  async stop(): Promise<void> {
    this.leave()
    await this.#abortPartitions()
    await this.#writing
  }

  async #plan(): Promise<void> {
    const { resources, jobs, partitionBytes } = this.#context.settings
    const { jobId, query, snapshot, ignoredParameters, reply } = this.job
    // Files are no larger than their partition.
    const { minFileBytes = 0 } = query
    const wanted = Math.min(minFileBytes, MAX_PARTITION_BYTES)
    const usual = reply.allowPartialManifests
      ? Math.min(partitionBytes, PARTIAL_PARTITION_BYTES)
      : partitionBytes
    const limits = { maxPartitionBytes: Math.max(usual, wanted) }
    const plan = await this.#attempt('PLANNING_FAILED', async () => {
      return { kind: 'done', value: await resources.planExport(query, snapshot, limits) } as const
    })
    if (plan === undefined) return
    const own = ignoredParameters.length > 0 ? [IGNORED_PARAMETERS] : []
    await jobs.savePlan(jobId, [...plan, ...own])
    this.#emit({ name: 'job-planned', jobId, partitionCount: plan.length + own.length })
  }

  async #writePartitions(): Promise<void> {
    const { jobs } = this.#context.settings
    const partitions = await jobs.partitions(this.job.jobId)
    this.progress.plan(
      partitions.map(({ index, partition, committed }) => {
        return { index, estimatedBytes: partition.estimatedBytes, committed }
      }),
    )
    const left = partitions.filter(({ committed }) => !committed)
    const writing = left.map((partition) => this.#commitPartition(partition))
    this.#writing = Promise.allSettled(writing)
    try {
      await Promise.all(writing)
    } catch (error) {
      this.#halt.abort()
      await this.#abortPartitions()
      await this.#writing
      throw error
    }
  }

  async #commitPartition(partition: JobPartition): Promise<void> {
    const { index } = partition
    await this.#attempt('PARTITION_FAILED', async (failures) => {
      const result = await settle(() => this.#tryPartition(partition))
      if (result.kind === 'failed') {
        const { errorCode } = result
        this.progress.reset(index)
        this.#emit({ name: 'partition-failed', jobId: this.job.jobId, index, failures, errorCode })
      }
      return result
    })
  }

  async #tryPartition(partition: JobPartition): Promise<Attempt<undefined>> {
    const { settings, scheduler } = this.#context
    const { clientId, jobId } = this.job
    const { index } = partition
    const result = await scheduler.run({
      clientId,
      jobId,
      estimatedBytes: partition.partition.estimatedBytes,
      task: this.#taskOf(partition.partition),
      begin: () => this.#begin(index),
      onProgress: (bytes) => {
        this.progress.advance(index, bytes)
      },
    })
    if (result.kind === 'failed') return result
    if (result.kind === 'aborted') return DONE
    if (await settings.jobs.commitPartition(jobId, index, result.files)) {
      this.progress.commit(index)
      this.#emit({ name: 'partition-committed', jobId, index, ...totalsOf(result.files) })
    }
    return DONE
  }

  #taskOf(partition: Partition): Omit<PartitionTask, 'abortFlag' | 'taskId'> {
    const { jobId, query, snapshot, ignoredParameters } = this.job
    const fileIdSeed = this.#context.settings.randomId()
    const task = { jobId, query, snapshot, partition, fileIdSeed }
    if (partition.selector !== IGNORED_PARAMETERS_SELECTOR) return task
    return { ...task, issues: ignoredParameters.map(ignoredParameterIssue) }
  }

  async #begin(index: number): Promise<boolean> {
    const { jobs, maxStarts } = this.#context.settings
    const starts = await jobs.beginAttempt(this.job.jobId, index)
    if (starts > maxStarts) throw new JobFailedError('PARTITION_STARTED_TOO_OFTEN')
    return starts > 0 && !this.#stopped
  }

  async #complete(): Promise<void> {
    const { jobs, files, clock, retentionMs } = this.#context.settings
    const { jobId } = this.job
    const outputFiles = await jobs.files(jobId)
    // What attempts that failed have left behind.
    await files.retainFiles(
      jobId,
      outputFiles.map(({ fileId }) => fileId),
    )
    const completedAt = clock()
    const expiresAt = new Date(completedAt.getTime() + retentionMs)
    if (await jobs.complete(jobId, { completedAt, expiresAt })) {
      this.#emit({ name: 'job-complete', jobId, fileCount: outputFiles.length })
    }
  }

  async #fail(issue: OutcomeIssue): Promise<boolean> {
    const { jobs, files, clock, retentionMs } = this.#context.settings
    const { jobId } = this.job
    try {
      const expiresAt = new Date(clock().getTime() + retentionMs)
      await jobs.fail(jobId, { issue, expiresAt })
      // Not before: a job that still counts as running may have committed these files.
      await files.deleteJob(jobId)
      return true
    } catch {
      return false
    }
  }

  async #abortPartitions(): Promise<void> {
    const { clientId, jobId } = this.job
    await this.#context.scheduler.abort({ clientId, jobId })
  }

  /** Tries again after a while, until `maxAttempts` is reached or the run is stopped. */
  async #attempt<Value>(
    failure: JobFailure,
    attempt: (failures: number) => Promise<Attempt<Value>>,
  ): Promise<Value | undefined> {
    const { maxAttempts, retryDelayMs } = this.#context.settings
    for (let failures = 1; !this.#halt.signal.aborted; failures += 1) {
      const result = await settle(() => attempt(failures))
      if (result.kind === 'done') return result.value
      if (failures >= maxAttempts) throw new JobFailedError(failure, result.errorCode)
      await this.#pause(retryDelayMs * failures)
    }
    return undefined
  }

  async #pause(durationMs: number): Promise<void> {
    try {
      await delay(durationMs, undefined, { signal: this.#halt.signal, ref: false })
    } catch {
      // Halted, which the loop notices.
    }
  }

  #emit(event: Parameters<ExportJobsSettings['onEvent']>[0]): void {
    this.#context.settings.onEvent(event)
  }
}

type Attempt<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'failed'; readonly errorCode: string }

const DONE: Attempt<undefined> = { kind: 'done', value: undefined }

/** An attempt that throws has failed, unless what it throws says that the job has. */
async function settle<Value>(attempt: () => Promise<Attempt<Value>>): Promise<Attempt<Value>> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof JobFailedError) throw error
    return { kind: 'failed', errorCode: errorCodeOf(error) }
  }
}

const IGNORED_PARAMETERS: Partition = {
  kind: 'outcome',
  type: 'OperationOutcome',
  estimatedBytes: 0,
  selector: IGNORED_PARAMETERS_SELECTOR,
}

function ignoredParameterIssue({ name, reason }: IgnoredParameter): OutcomeIssue {
  const diagnostics = `Parameter ${name} was ignored: ${reason}`
  return { severity: 'warning', code: 'not-supported', diagnostics }
}

function totalsOf(files: readonly OutputFile[]): { resourceCount: number; bytes: number } {
  let resourceCount = 0
  let bytes = 0
  for (const file of files) {
    resourceCount += file.resourceCount
    bytes += file.bytes
  }
  return { resourceCount, bytes }
}
