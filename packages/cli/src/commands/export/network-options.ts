import type { OptionTable } from '../../options/option-table.ts'
import { duration, flag, integer, lines, size } from '../../options/value-types.ts'

/** How requests are made. Not a part of what an export is, so every call may say it anew. */
export interface RequestOptions {
  readonly header: readonly string[] | undefined
  readonly maxRetryAfter: number | undefined
  readonly idleTimeout: number
  readonly maxAttempts: number
  readonly maxThrottles: number
}

/** How files are downloaded. */
export interface DownloadOptions {
  readonly concurrency: number
  readonly threads: number
  readonly keepExport: boolean
  readonly maxLineSize: number
  readonly maxDecompressionRatio: number
}

const group = 'Network:'

/** The table of {@link RequestOptions}. */
export const REQUEST_OPTIONS: OptionTable<RequestOptions> = {
  header: {
    type: lines('NAME:VALUE'),
    description:
      'A header for every request to the provider, such as Epic-Client-ID; repeated (in a variable: one in each line). Not for tokens: flatfhir logs in itself',
    group,
  },
  maxRetryAfter: {
    type: duration,
    description: 'Longest wait that a Retry-After header can ask for',
    defaultText: '1h, or what is known of the vendor',
    group,
  },
  idleTimeout: {
    type: duration,
    description: 'A connection on which nothing arrives for so long is given up and tried again',
    default: 60_000,
    group,
  },
  maxAttempts: {
    type: integer(1, 1000),
    description: 'Attempts in a row without progress before a request counts as failed',
    default: 5,
    group,
  },
  maxThrottles: {
    type: integer(1, 100_000),
    description: 'Answers in a row that say "later" before a request counts as failed',
    default: 100,
    group,
  },
}

/** The table of {@link DownloadOptions}. */
export const DOWNLOAD_OPTIONS: OptionTable<DownloadOptions> = {
  concurrency: {
    type: integer(1, 256),
    description: 'Files to download at the same time',
    default: 5,
    group,
  },
  threads: {
    type: integer(1, 64),
    description: 'Threads that check lines',
    default: 2,
    group,
  },
  keepExport: {
    type: flag,
    description: 'Do not send the Delete Request at the end',
    default: false,
    group,
  },
  maxLineSize: {
    type: size,
    description: 'Longest line of a file that is accepted',
    default: 64 * 2 ** 20,
    group,
  },
  maxDecompressionRatio: {
    type: integer(1, 1_000_000),
    description: 'How many times larger than its compressed form a file may be',
    default: 400,
    group,
  },
}
