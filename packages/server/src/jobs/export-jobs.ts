import type { Readable } from 'node:stream'
import type { IgnoredParameter } from '@flatfhir/protocol'
import type { Job, OutputFile } from '../job-store.ts'
import type { ByteRange, OutputFileKey } from '../output-file-store.ts'
import type { ExportQuery } from '../resource-store.ts'
import type { ExportJobsOptions } from './export-jobs-options.ts'
import type { ExportStatus } from './export-status.ts'

/** What a kick-off request asks for, checked and resolved. */
export interface KickOffInput {
  /** The client that asks; absent while nobody has to log in. */
  readonly clientId?: string
  /** The kick-off request's URL, for the manifest. */
  readonly requestUrl: string
  readonly query: ExportQuery
  /** Each becomes an OperationOutcome in an outcome file of the job. */
  readonly ignoredParameters: readonly IgnoredParameter[]
}

export declare class ExportJobs implements AsyncDisposable {
  static start(options: ExportJobsOptions): Promise<ExportJobs>
  /** @throws ServerStoppingError after `park`. */
  kickOff(input: KickOffInput): Promise<Job>
  /** `undefined` for unknown, deleted and expired jobs alike. */
  status(jobId: string): Promise<ExportStatus | undefined>
  /** `undefined` unless the job is complete and not expired. */
  findFile(
    key: OutputFileKey,
  ): Promise<{ readonly job: Job; readonly file: OutputFile } | undefined>
  /** The bytes as stored (`OutputFile.storedEncoding`); for a key that `findFile` has found. */
  openFile(key: OutputFileKey, range?: ByteRange): Promise<Readable | undefined>
  /** Work stops, files go. `false` when there was no such job. */
  delete(jobId: string): Promise<boolean>
  /** How many of the client's jobs are unfinished, for limits. */
  countUnfinished(clientId: string | undefined): Promise<number>
  /** Removes what has expired; runs by itself every `sweepIntervalMs`. */
  sweep(): Promise<void>
  park(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
