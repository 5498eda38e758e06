import type { ExportedFile, ExportFile, ExportProblem } from './export-report.ts'

/** The step of a run that an event is about. */
export type ExportPhase = 'kick-off' | 'status' | 'manifest' | 'download' | 'delete'

/** Why a request is made once more. */
export type RetryReason =
  | 'throttled'
  | 'server-error'
  | 'connection-failed'
  | 'connection-lost'
  | 'idle-timeout'
  | 'content-changed'
  | 'link-expired'
  | 'verification-failed'

/** What happens in a run, told as it happens. Tagged by `type`. */
export type ExportEvent =
  | {
      /** An interrupted run is taken up again. */
      readonly type: 'resumed'
      readonly statusUrl: string | undefined
      readonly finishedFiles: number
    }
  | { readonly type: 'kick-off'; readonly statusUrl: string }
  | {
      readonly type: 'status-progress'
      /** The provider's `X-Progress`, printable characters only, at most 100 of them. */
      readonly progress: string | undefined
      /** The percentage in `progress`, when there is one: 0 to 100. */
      readonly percent: number | undefined
      /** Until the next status request. */
      readonly waitMs: number
      /** Since the kick-off request was accepted. */
      readonly elapsedMs: number
    }
  | {
      readonly type: 'manifest-page'
      /** 0 for the first. */
      readonly page: number
      readonly files: readonly ExportFile[]
    }
  | {
      readonly type: 'manifest'
      readonly transactionTime: Date
      readonly pages: number
      readonly files: readonly ExportFile[]
    }
  | {
      readonly type: 'download-started'
      readonly file: ExportFile
      /** 1 for the first. */
      readonly attempt: number
      /** Byte of the encoded file that this attempt starts at; 0 for the whole file. */
      readonly offset: number
    }
  | {
      readonly type: 'download-progress'
      readonly file: ExportFile
      /** Decompressed bytes so far; falls back to 0 when a file has to start over. */
      readonly bytes: number
      /** Bytes that came over the wire so far, all attempts together. */
      readonly transferredBytes: number
    }
  | { readonly type: 'download-finished'; readonly file: ExportedFile }
  | {
      readonly type: 'retry'
      readonly phase: ExportPhase
      readonly reason: RetryReason
      readonly httpStatus: number | undefined
      readonly file: ExportFile | undefined
      readonly waitMs: number
    }
  | { readonly type: 'problem'; readonly problem: ExportProblem }
  | { readonly type: 'deleted'; readonly statusUrl: string }
