import type { OutcomeIssue } from '@flatfhir/protocol'
import type { OutputFile } from '../job-store.ts'
import type { EncodingOptions } from '../output-files/output-file-encoder.ts'
import type { ExportQuery, Partition, Snapshot, WorkerModule } from '../resource-store.ts'

/** What a worker thread is started with. */
export interface PartitionWorkerOptions extends EncodingOptions {
  /** Exports `openPartitionReader`. */
  readonly readerModule: WorkerModule
  /** Exports `openOutputFileStore`. */
  readonly filesModule: WorkerModule
  readonly maxFileBytes: number
}

/** One partition to be written. */
export interface PartitionTask {
  /** Tells the tasks of one thread apart. */
  readonly taskId: number
  readonly jobId: string
  readonly query: ExportQuery
  readonly snapshot: Snapshot
  readonly partition: Partition
  /** Where the partition is not the store's: what its outcome file says, a line each. */
  readonly issues?: readonly OutcomeIssue[]
  /** Secret and random: ids of files are derived from it. */
  readonly fileIdSeed: string
  /**
   * One element in shared memory, checked before every block: other than 0 means stop. A message
   * would not be heard, because a synchronous reader never lets the thread's event loop turn.
   */
  readonly abortFlag: Int32Array
}

/** To a worker thread: a task, once the one before is being flushed, or the request to end. */
export type ToPartitionWorker =
  { readonly kind: 'task'; readonly task: PartitionTask } | { readonly kind: 'close' }

/** How a task ended. */
export type PartitionResult =
  | { readonly kind: 'written'; readonly files: readonly OutputFile[] }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly errorCode: string }

/** From a worker thread. */
export type FromPartitionWorker =
  | {
      readonly kind: 'progress'
      readonly taskId: number
      /** Bytes of NDJSON written for the task so far. */
      readonly bytes: number
    }
  /** All is written, and is being flushed: there is time for another task. */
  | { readonly kind: 'flushing'; readonly taskId: number }
  | { readonly kind: 'ended'; readonly taskId: number; readonly result: PartitionResult }
