import type { CheckId } from './check-id.ts'
import type { CheckResult } from './check-report.ts'

/** What a run tells while it goes on. Holds no data of patients, tokens or bodies. */
export type CheckEvent =
  | { readonly type: 'check-started'; readonly check: CheckId; readonly title: string }
  | { readonly type: 'check-finished'; readonly result: CheckResult }
  | { readonly type: 'waiting'; readonly seconds: number; readonly progress: string | undefined }
