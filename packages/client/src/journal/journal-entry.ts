import type { Edition, ExportLevel, Manifest, ManifestFile } from '@flatfhir/protocol'
import type { AttachmentOptions } from '../export-options.ts'
import type { ExportedFile, ExportProblem, ExportVerdict } from '../export-report.ts'
import type { EndReason } from '../job-status.ts'
import type { LineTotals } from '../verification/line-ledger.ts'

/** Form of the journal; a reader refuses a larger one. */
export const JOURNAL_VERSION = 1

/** What the first call asked for: everything that the same command must ask for again. */
export interface StoredPlan {
  readonly url: string
  readonly level: ExportLevel
  readonly groupId?: string
  /** Names of the IG; instants as text. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly edition: Edition | 'auto'
  readonly method?: 'GET' | 'POST'
  /** Id of a profile, or `auto`. */
  readonly profile: string
  readonly lenient: boolean
  readonly separateExportStatus: boolean
  readonly gzip: boolean
  readonly compactBytes?: number
  readonly attachments?: AttachmentOptions
  readonly checkReferences: boolean
}

/** What was found out about the provider before the kick-off. */
export interface StoredProvider {
  readonly edition: Edition
  readonly method: 'GET' | 'POST'
  /** Name of the operation in the URL, for example `$export`. */
  readonly operation: string
  readonly profile: string
  readonly softwareName?: string
  readonly softwareVersion?: string
  readonly softwareReleaseDate?: string
  readonly fhirVersion?: string
}

/** A page of the manifest, ready for JSON. */
export interface StoredManifest extends Omit<Manifest, 'transactionTime' | 'request'> {
  readonly transactionTime: string
  /** Resource type by whose instances the files are organised (`outputOrganizedBy`). */
  readonly organizedBy?: string
  readonly output: readonly ManifestFile[]
}

/** What identifies a file's representation at the provider, so that a cut download can go on. */
export interface StoredValidator {
  /** Strong `ETag`; without one a cut download starts over. */
  readonly etag: string
  readonly coding: 'identity' | 'gzip'
  /** SHA-256 of the whole representation from `Repr-Digest`, base64. */
  readonly reprDigest?: string
  /** Size of the whole representation. */
  readonly encodedBytes?: number
}

/** What became of a file. */
export interface StoredResult {
  readonly file: ExportedFile
  readonly problems: readonly ExportProblem[]
  readonly lines?: LineTotals
  /** Where the file's ids and references are in the spill. */
  readonly referenceRun?: { readonly run: number; readonly frames: number }
}

/** One line of the journal. Instants are ISO 8601. */
export type JournalEntry =
  | {
      readonly type: 'run'
      readonly version: number
      readonly exportId: string
      readonly at: string
      readonly plan: StoredPlan
    }
  | { readonly type: 'session'; readonly at: string }
  | { readonly type: 'provider'; readonly provider: StoredProvider }
  | { readonly type: 'kick-off-intent'; readonly at: string }
  | { readonly type: 'kick-off-refused'; readonly at: string }
  | { readonly type: 'kick-off'; readonly at: string; readonly statusUrl: string }
  | { readonly type: 'status-wait'; readonly until: string }
  | {
      readonly type: 'manifest-page'
      readonly page: number
      readonly url: string
      readonly manifest: StoredManifest
    }
  | { readonly type: 'manifest-complete'; readonly at: string }
  | ({ readonly type: 'file-begun'; readonly key: string } & Partial<StoredValidator>)
  | { readonly type: 'file-done'; readonly key: string; readonly result: StoredResult }
  | { readonly type: 'packed'; readonly path: string; readonly from: readonly string[] }
  | { readonly type: 'collected'; readonly at: string; readonly verdict: ExportVerdict }
  | { readonly type: 'deleted'; readonly at: string }
  | { readonly type: 'ended'; readonly at: string; readonly reason: EndReason }

const ENTRY_TYPES: ReadonlySet<string> = new Set([
  ...['run', 'session', 'provider', 'kick-off-intent', 'kick-off-refused', 'kick-off'],
  ...['status-wait', 'manifest-page', 'manifest-complete', 'file-begun', 'file-done', 'packed'],
  ...['collected', 'deleted', 'ended'],
])

/**
 * Reads one line of a journal that we wrote ourselves: enough of a check to notice a torn or foreign
 * line.
 *
 * @returns `undefined` when it is not an entry.
 */
export function parseJournalEntry(line: string): JournalEntry | undefined {
  try {
    const value = JSON.parse(line) as JournalEntry | null
    return value !== null && ENTRY_TYPES.has(value.type) ? value : undefined
  } catch {
    return undefined
  }
}
