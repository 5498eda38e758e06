import type { OutputFileKind } from '@flatfhir/protocol'
import type { Receipt } from './receipt/receipt.ts'

/**
 * What a run came to.
 *
 * - `complete`: everything that the manifest promises is on disk and checked.
 * - `incomplete`: some of it is; `files` and `problems` say what is not, and why.
 * - `failed`: the manifest promises files, and nothing of them is on disk.
 */
export type ExportVerdict = 'complete' | 'incomplete' | 'failed'

/** A file that the manifest promises. */
export interface ExportFile {
  /** Place among all files of the manifest, over all pages and kinds; 0 for the first. */
  readonly index: number
  /** Page of the manifest, kind and place in it: the same file when its URL is a fresh one. */
  readonly key: string
  readonly kind: OutputFileKind
  /**
   * Type of the resources, as the manifest says; text from the provider. Of files organised by
   * resources of one type: that type.
   */
  readonly type: string
  readonly url: string
  /** Name inside the export's folder, with `/`, for example `deleted/Bundle.000.ndjson`. */
  readonly path: string
  readonly expected: FileFacts
}

/** Facts about a file, as far as they are known. */
export interface FileFacts {
  /** Number of resources. */
  readonly count?: number
  /** Size of the NDJSON without content coding. */
  readonly bytes?: number
  /** Lower-case hexadecimal SHA-256 of the NDJSON without content coding. */
  readonly sha256?: string
}

/**
 * What became of a file.
 *
 * - `complete`: at `path`, checked.
 * - `partial`: at `path` without the lines that cannot be used, which are in `quarantine/`.
 * - `rejected`: arrived, and is not what was promised; kept at `path` + `.rejected`.
 * - `missing`: did not arrive; nothing of it is on disk.
 */
export type ExportedFileState = 'complete' | 'partial' | 'rejected' | 'missing'

/** A file that the manifest promises, and what became of it. */
export interface ExportedFile extends ExportFile {
  readonly state: ExportedFileState
  readonly received: FileFacts
  /** Bytes that came over the wire, all attempts together. */
  readonly transferredBytes: number
  readonly attempts: number
  readonly milliseconds: number
  /** Lines that are not in the file at `path` but in `quarantine/`. */
  readonly quarantinedLines: number
}

/** What a problem is about. Stable across releases. */
export type ExportProblemCode =
  | 'ATTACHMENT_FAILED'
  | 'BLANK_LINES'
  | 'COUNT_MISMATCH'
  | 'DECOMPRESSION_RATIO_EXCEEDED'
  | 'DELETE_FAILED'
  | 'DIGEST_MISMATCH'
  | 'DOWNLOAD_CUT'
  | 'DOWNLOAD_REJECTED'
  | 'DOWNLOAD_THROTTLED'
  | 'DUPLICATE_URL'
  | 'ENCODING_INVALID'
  | 'FILE_WRITE_FAILED'
  | 'KICK_OFF_REPEATED'
  | 'LINE_INVALID'
  | 'REDIRECT_REFUSED'
  | 'SIZE_MISMATCH'
  | 'UNKNOWN_TYPE'
  | 'URL_REFUSED'

/** Something that is not as it should be. Holds no patient data. */
export interface ExportProblem {
  readonly code: ExportProblemCode
  /** An `error` keeps its file from being complete, a `warning` does not. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** {@link ExportFile.path} of the file that it is about. */
  readonly file?: string
  /** 1-based. */
  readonly lineNumber?: number
}

/** How many issues of one severity and code the provider's OperationOutcomes hold. */
export interface OutcomeCount {
  /** `fatal`, `error`, `warning`, `information`, or `unknown` for anything else. */
  readonly severity: string
  /** FHIR issue type, or `unknown` for anything that is not one. */
  readonly code: string
  readonly count: number
}

/** How long the steps of a run took, in milliseconds. */
export interface ExportTimings {
  readonly kickOffMs: number
  /** From the accepted kick-off request to the last page of the manifest. */
  readonly statusMs: number
  readonly downloadMs: number
  readonly totalMs: number
}

/** The account of a run: what was promised, what arrived, and the verdict. */
export interface ExportReport {
  readonly verdict: ExportVerdict
  /** Everything in the files is as of this instant: the next run's `since`. */
  readonly transactionTime: Date
  readonly statusUrl: string
  /** `true` once the provider accepted the Delete Request. */
  readonly deleted: boolean
  /** In the manifest's order. */
  readonly files: readonly ExportedFile[]
  readonly problems: readonly ExportProblem[]
  /** What the provider says went wrong on its side, from the complete outcome files. */
  readonly outcomes: readonly OutcomeCount[]
  /** Resources in the complete output files. */
  readonly resources: number
  /** Deletions in the complete deleted files. */
  readonly deletions: number
  /** Decompressed bytes of all complete files. */
  readonly bytes: number
  /** Bytes that came over the wire for files, all attempts together. */
  readonly transferredBytes: number
  readonly timings: ExportTimings
  /** What `receipt.json` says. */
  readonly receipt: Receipt
}
