import type { OutputFileKind } from '@flatfhir/protocol'
import type {
  ExportedFileState,
  ExportProblem,
  ExportVerdict,
  FileFacts,
} from '../export-report.ts'
import type { OutcomeCount } from '../export-report.ts'

/** Form of {@link Receipt}; a change that readers must know of makes it larger. */
export const RECEIPT_VERSION = 1

/** What was asked for. Holds neither credentials nor the ids of patients. */
export interface ReceiptRequest {
  readonly url: string
  readonly level: 'system' | 'patient' | 'group'
  readonly groupId?: string
  readonly method: 'GET' | 'POST'
  readonly edition: 'stu1' | 'stu2' | 'stu3' | 'stu4'
  /** By the IG's names; `patient` is told as a number of patients. */
  readonly parameters: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

/** What is known of the provider. */
export interface ReceiptServer {
  readonly softwareName?: string
  readonly softwareVersion?: string
  readonly fhirVersion?: string
  /** Id of the vendor profile that the export followed. */
  readonly profile: string
  /** What this vendor's exports are known to lack. */
  readonly knownGaps: readonly string[]
}

/** When the steps of the export happened, ISO 8601 by the client's clock. */
export interface ReceiptTimes {
  readonly startedAt: string
  readonly kickOffAcceptedAt?: string
  readonly manifestAt?: string
  readonly finishedAt: string
  /** How many processes worked on it: 1 when it was never interrupted. */
  readonly sessions: number
}

/** One file that the manifest promised. */
export interface ReceiptFile {
  /** Page of the manifest, kind and place in it, for example `0/output/3`. */
  readonly key: string
  readonly kind: OutputFileKind
  readonly type: string
  readonly path: string
  /** Without query: that may be a credential. */
  readonly url: string
  readonly state: ExportedFileState
  readonly expected: FileFacts
  readonly received: FileFacts
  /** Names of the larger local files that the lines were packed into (`compact`). */
  readonly packedInto?: readonly string[]
  readonly transferredBytes: number
  readonly attempts: number
  readonly quarantinedLines: number
}

/** References of one type that lead to nothing. */
export interface UnresolvedReferences {
  /** Type of the missing resources. */
  readonly type: string
  /** Different resources that are referred to and not in the export. */
  readonly resources: number
}

/** Attachments that were fetched or left. */
export interface ReceiptAttachments {
  readonly mode: 'skip' | 'files' | 'inline'
  readonly fetched: number
  readonly bytes: number
  /** Too large, or of a media type that was not wanted. */
  readonly skipped: number
  readonly failed: number
}

/**
 * The machine-readable account of an export, `receipt.json` in its folder.
 *
 * Nothing that comes after an export should begin without the verdict `complete`. Holds no patient
 * data: names, numbers, digests and codes only.
 */
export interface Receipt {
  readonly receiptVersion: typeof RECEIPT_VERSION
  readonly exportId: string
  readonly verdict: ExportVerdict
  readonly request: ReceiptRequest
  readonly server: ReceiptServer
  readonly times: ReceiptTimes
  readonly transactionTime: string
  readonly statusUrl: string
  readonly manifestPages: number
  readonly deletedAtProvider: boolean
  readonly totals: {
    readonly files: number
    readonly filesComplete: number
    readonly resources: number
    readonly deletions: number
    readonly bytes: number
    readonly transferredBytes: number
    readonly quarantinedLines: number
  }
  readonly files: readonly ReceiptFile[]
  readonly problems: readonly ExportProblem[]
  readonly outcomes: readonly OutcomeCount[]
  /** Absent when references were not looked at. */
  readonly unresolvedReferences?: readonly UnresolvedReferences[]
  readonly attachments?: ReceiptAttachments
}
