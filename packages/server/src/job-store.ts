import type {
  Edition,
  ExportLevel,
  IgnoredParameter,
  OutcomeIssue,
  OutputFileKind,
} from '@flatfhir/protocol'
import type { ExportQuery, Partition, Snapshot } from './resource-store.ts'

/** How a file is stored, which is what its `Content-Encoding` can be. */
export type StoredEncoding = 'identity' | 'gzip'

/** An output file that was written in full and belongs to a committed partition. */
export interface OutputFile {
  /** 128 random bits in hexadecimal; the last segment of the file's URL. */
  readonly fileId: string
  readonly kind: OutputFileKind
  readonly type: string
  readonly resourceCount: number
  /** Size in bytes of the NDJSON. */
  readonly bytes: number
  /** Lower-case hexadecimal SHA-256 of the NDJSON. */
  readonly sha256: string
  readonly storedEncoding: StoredEncoding
  /** Size in bytes as stored. */
  readonly storedBytes: number
  /** Lower-case hexadecimal SHA-256 of the bytes as stored. */
  readonly storedSha256: string
  /** Where output is organised by patients: the file that goes on with this one's last patient. */
  readonly continuesInFileId?: string
}

/** How the client wants to be told about a job: fixed at kick-off. */
export interface JobReply {
  /** Of the IG, whose manifest the client reads. */
  readonly edition: Edition
  /** `allowPartialManifests`: files may be told before the job is complete. */
  readonly allowPartialManifests: boolean
  /** `Prefer: separate-export-status`: the HTTP status tells of the request alone. */
  readonly separateExportStatus: boolean
}

/** What is known of a job from its kick-off on; never changes. */
export interface NewJob {
  /** 128 random bits in hexadecimal. */
  readonly jobId: string
  /** The client that kicked the job off; `undefined` while nobody has to log in. */
  readonly clientId?: string
  readonly level: ExportLevel
  /** The kick-off request's URL, for the manifest. */
  readonly requestUrl: string
  readonly query: ExportQuery
  readonly reply: JobReply
  readonly snapshot: Snapshot
  readonly ignoredParameters: readonly IgnoredParameter[]
  readonly createdAt: Date
}

/** Where a job is. `planned` holds the partitions from then on. */
export type JobState =
  | { readonly name: 'accepted' }
  | { readonly name: 'running' }
  | { readonly name: 'complete'; readonly completedAt: Date; readonly expiresAt: Date }
  | { readonly name: 'failed'; readonly issue: OutcomeIssue; readonly expiresAt: Date }

/** A job as it is stored. */
export interface Job extends NewJob {
  readonly state: JobState
}

/** A partition of a planned job. */
export interface JobPartition {
  /** 0-based; the order of the manifest. */
  readonly index: number
  readonly partition: Partition
  readonly committed: boolean
}

/**
 * Where jobs, their partitions and the rows of their files are kept. Every method that changes
 * something has taken effect durably (fsynced) when its promise resolves, or not at all.
 *
 * Every implementation passes `jobStoreContract` of the testkit package.
 */
export interface JobStore extends AsyncDisposable {
  insert(job: NewJob): Promise<void>

  /** `undefined` for unknown and for deleted jobs alike. */
  find(jobId: string): Promise<Job | undefined>

  /** Jobs that are `accepted` or `running`, oldest first: what to go on with after a restart. */
  unfinished(): Promise<readonly Job[]>

  /** How many of the client's jobs are `accepted` or `running`. */
  countUnfinished(clientId: string | undefined): Promise<number>

  /** `accepted` becomes `running`. A job that is planned already, or gone, keeps what it has. */
  savePlan(jobId: string, partitions: readonly Partition[]): Promise<void>

  partitions(jobId: string): Promise<readonly JobPartition[]>

  /**
   * Counts a start of a partition before it begins, so that a partition which takes the process down
   * with it is not begun for ever. The one change that need not survive a power cut, only the end
   * of the process: it happens once per partition, and a flush would buy nothing.
   *
   * @returns how often the partition was begun, this time included; 0, and changes nothing, when it
   * is committed already or the job is gone.
   */
  beginAttempt(jobId: string, index: number): Promise<number>

  /**
   * Marks a partition as done together with its files, in one transaction.
   *
   * @returns `false`, and changes nothing, when the partition is committed already or the job is gone.
   */
  commitPartition(jobId: string, index: number, files: readonly OutputFile[]): Promise<boolean>

  /** `running` becomes `complete`; only when every partition is committed. */
  complete(jobId: string, times: { completedAt: Date; expiresAt: Date }): Promise<boolean>

  /** Anything unfinished becomes `failed`. */
  fail(jobId: string, failure: { issue: OutcomeIssue; expiresAt: Date }): Promise<boolean>

  /** Files of committed partitions, in the order of the partitions. */
  files(jobId: string): Promise<readonly OutputFile[]>

  /**
   * The same in the order in which their partitions were committed, which only ever gets longer: what
   * was once told of a job that still runs stays true.
   */
  committedFiles(
    jobId: string,
    range: { readonly skip: number; readonly limit: number },
  ): Promise<readonly OutputFile[]>

  /** How many files the committed partitions have. */
  countFiles(jobId: string): Promise<number>

  findFile(jobId: string, fileId: string): Promise<OutputFile | undefined>

  /** Forgets a job and its files' rows. @returns `false` when there was no such job. */
  delete(jobId: string): Promise<boolean>

  /** Jobs whose `expiresAt` is at or before the instant. */
  expired(at: Date): Promise<readonly string[]>
}
