import type { ExportReport } from './export-report.ts'

/**
 * Where an export is.
 *
 * - `not-started`: the folder is prepared, no kick-off request was accepted.
 * - `in-progress`: the provider works on it.
 * - `ready`: the manifest is there, files are still to be fetched.
 * - `complete`, `incomplete`, `failed`: fetched; the verdict.
 * - `ended`: cancelled, failed at the provider, or expired there; nothing more will come.
 */
export type ExportJobState =
  'not-started' | 'in-progress' | 'ready' | 'complete' | 'incomplete' | 'failed' | 'ended'

/** Why an export ended without its files. */
export type EndReason = 'cancelled' | 'failed-at-provider' | 'unusable'

/** What is known of an export from its folder and its provider. Plain data, fit for JSON. */
export interface ExportJobStatus {
  readonly state: ExportJobState
  readonly directory: string
  /** Chosen by us, the same in journal, log and receipt. */
  readonly exportId: string
  readonly statusUrl?: string
  /** The provider's `X-Progress`, printable characters only. */
  readonly progress?: string
  /** 0 to 100, when `progress` has one. */
  readonly percent?: number
  /** ISO 8601: do not ask for the status before. */
  readonly nextStatusRequestAt?: string
  /** ISO 8601, from the manifest. */
  readonly transactionTime?: string
  readonly files?: { readonly promised: number; readonly finished: number }
  /** With state `ended`. */
  readonly endReason?: EndReason
}

/** What {@link collectExport} found: the account of a finished export, or that it is not ready. */
export type CollectResult =
  | { readonly finished: true; readonly report: ExportReport }
  | { readonly finished: false; readonly status: ExportJobStatus }
