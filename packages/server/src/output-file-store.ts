import type { Readable } from 'node:stream'
import type { WorkerModule } from './resource-store.ts'

/** A file being written. Until `commit` resolves, it exists for no reader. */
export interface OutputFileWriter {
  /** May work synchronously; a returned promise must be awaited before the next call. */
  write(bytes: Uint8Array): void | Promise<void>
  /** Flushes to the disk and makes the file visible, atomically. */
  commit(): Promise<void>
  /** Removes what was written. Harmless after `commit`. */
  abort(): Promise<void>
}

/** Where a file is: the job that it belongs to, and its own id; both hexadecimal. */
export interface OutputFileKey {
  readonly jobId: string
  readonly fileId: string
}

/** Bytes from `start` to `end`, both inclusive and 0-based. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Where output files are kept between the end of a partition and the job's expiry.
 *
 * Every implementation passes `outputFileStoreContract` of the testkit package.
 */
export interface OutputFileStore extends AsyncDisposable {
  /** How a worker thread opens this same store. */
  readonly workerModule: WorkerModule

  create(key: OutputFileKey): Promise<OutputFileWriter>

  /** @returns `undefined` when there is no such file. */
  read(key: OutputFileKey, range?: ByteRange): Promise<Readable | undefined>

  /** Deletes all files of a job; a job without files is not an error. */
  deleteJob(jobId: string): Promise<void>

  /** Deletes files of the job, whole or half-written, that are not among `fileIds`. */
  retainFiles(jobId: string, fileIds: readonly string[]): Promise<void>

  /** Jobs that have files, for sweeping what no job store knows any more. */
  jobIds(): Promise<readonly string[]>
}

/** What the module of {@link OutputFileStore.workerModule} exports. */
export interface OutputFileStoreModule {
  openOutputFileStore(options: unknown): Promise<OutputFileStore>
}
