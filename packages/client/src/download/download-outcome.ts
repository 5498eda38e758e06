import { BulkDataError } from '@flatfhir/protocol'
import { ProviderUnreachableError, RedirectRefusedError } from '../errors.ts'
import type { RetryReason } from '../export-event.ts'
import type { ExportProblemCode } from '../export-report.ts'
import { connectionFault } from '../http/connection-fault.ts'
import type { ProviderResponse } from '../http/provider-http.ts'
import { DecompressionRatioError } from './received-file.ts'

/** How one request for a file ended. */
export type DownloadOutcome =
  | { readonly end: 'arrived' }
  /** Worth another attempt. */
  | { readonly end: 'broken'; readonly reason: RetryReason; readonly status?: number }
  | { readonly end: 'throttled'; readonly response: ProviderResponse }
  | { readonly end: 'expired'; readonly status: number }
  | { readonly end: 'refused'; readonly code: ExportProblemCode; readonly message: string }

/**
 * Says what an error means for a download.
 *
 * @returns `undefined` for an error that is neither the network's nor the content's.
 */
export function explainDownloadError(error: unknown): DownloadOutcome | undefined {
  if (error instanceof DecompressionRatioError) {
    const message = 'The file grows out of all proportion while it is decompressed'
    return { end: 'refused', code: 'DECOMPRESSION_RATIO_EXCEEDED', message }
  }
  if (error instanceof RedirectRefusedError) {
    return { end: 'refused', code: 'REDIRECT_REFUSED', message: error.message }
  }
  if (isZlibError(error)) return { end: 'broken', reason: 'verification-failed' }

  // A token that cannot be had at the moment.
  if (isRetryable(error)) return { end: 'broken', reason: 'connection-failed' }
  const fault = error instanceof ProviderUnreachableError ? error.fault : connectionFault(error)
  if (fault === undefined) return undefined
  if (fault === 'idle-timeout') return { end: 'broken', reason: 'idle-timeout' }
  return { end: 'broken', reason: fault === 'closed' ? 'connection-lost' : 'connection-failed' }
}

/** An error of a call to the file system. */
export interface FileSystemError extends Error {
  /** For example `ENOSPC`. */
  readonly code: string
}

const FILE_SYSTEM_CALLS: ReadonlySet<string> = new Set([
  ...['open', 'write', 'fdatasync', 'fsync', 'ftruncate', 'close', 'rename', 'unlink', 'mkdir'],
])

/** Whether an error is the file system's, as against the network's. */
export function isFileSystemError(error: unknown): error is FileSystemError {
  if (!(error instanceof Error) || BulkDataError.is(error)) return false
  if (!('syscall' in error) || !('code' in error)) return false
  return FILE_SYSTEM_CALLS.has(String(error.syscall)) && connectionFault(error) === undefined
}

function isRetryable(error: unknown): boolean {
  return BulkDataError.is(error) && error.retryable && !(error instanceof ProviderUnreachableError)
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
