import type { OutcomeIssue } from '@flatfhir/protocol'
import type { Job, JobPartition, JobStore, NewJob, OutputFile, Partition } from '@flatfhir/server'
import { connectWorker, type WorkerConnection } from '../worker-rpc.ts'
import type { JobDatabase } from './job-database.ts'

/** Where a {@link SqliteJobStore} keeps its database. */
export interface SqliteJobStoreOptions {
  /** The database file; made if it is not there, its directory is not. */
  readonly path: string
}

/**
 * Keeps jobs in an SQLite database of their own, so that committing a partition never waits for an
 * import. All of it runs in a worker thread: the thread that answers HTTP never waits for a disk.
 */
export class SqliteJobStore implements JobStore {
  readonly #worker: WorkerConnection<JobDatabase>

  private constructor(worker: WorkerConnection<JobDatabase>) {
    this.#worker = worker
  }

  /** @throws StoreFailedError when the file cannot be opened, or is not a database. */
  static async open(options: SqliteJobStoreOptions): Promise<SqliteJobStore> {
    const url = new URL('./job-store-worker.js', import.meta.url)
    return new SqliteJobStore(await connectWorker<JobDatabase>(url, { path: options.path }))
  }

  insert(job: NewJob): Promise<void> {
    return this.#worker.call('insert', job)
  }

  find(jobId: string): Promise<Job | undefined> {
    return this.#worker.call('find', jobId)
  }

  unfinished(): Promise<readonly Job[]> {
    return this.#worker.call('unfinished')
  }

  countUnfinished(clientId: string | undefined): Promise<number> {
    return this.#worker.call('countUnfinished', clientId)
  }

  savePlan(jobId: string, partitions: readonly Partition[]): Promise<void> {
    return this.#worker.call('savePlan', jobId, partitions)
  }

  partitions(jobId: string): Promise<readonly JobPartition[]> {
    return this.#worker.call('partitions', jobId)
  }

  beginAttempt(jobId: string, index: number): Promise<number> {
    return this.#worker.call('beginAttempt', jobId, index)
  }

  commitPartition(jobId: string, index: number, files: readonly OutputFile[]): Promise<boolean> {
    return this.#worker.call('commitPartition', jobId, index, files)
  }

  complete(jobId: string, times: { completedAt: Date; expiresAt: Date }): Promise<boolean> {
    return this.#worker.call('complete', jobId, times)
  }

  fail(jobId: string, failure: { issue: OutcomeIssue; expiresAt: Date }): Promise<boolean> {
    return this.#worker.call('fail', jobId, failure)
  }

  files(jobId: string): Promise<readonly OutputFile[]> {
    return this.#worker.call('files', jobId)
  }

  committedFiles(
    jobId: string,
    range: { readonly skip: number; readonly limit: number },
  ): Promise<readonly OutputFile[]> {
    return this.#worker.call('committedFiles', jobId, range)
  }

  countFiles(jobId: string): Promise<number> {
    return this.#worker.call('countFiles', jobId)
  }

  findFile(jobId: string, fileId: string): Promise<OutputFile | undefined> {
    return this.#worker.call('findFile', jobId, fileId)
  }

  delete(jobId: string): Promise<boolean> {
    return this.#worker.call('delete', jobId)
  }

  expired(at: Date): Promise<readonly string[]> {
    return this.#worker.call('expired', at)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#worker.close()
  }
}
