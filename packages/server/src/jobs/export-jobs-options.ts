import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { constants } from 'node:zlib'
import { z } from 'zod'
import type { JobStore, StoredEncoding } from '../job-store.ts'
import type { OutputFileStore } from '../output-file-store.ts'
import type { ResourceStore } from '../resource-store.ts'
import type { ExportJobsEvent } from './export-jobs-event.ts'

const MEBIBYTE = 1024 * 1024
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How export jobs are run. */
export interface ExportJobsOptions {
  /** Not disposed of by `ExportJobs`; the same holds for `jobs` and `files`. */
  readonly resources: ResourceStore
  readonly jobs: JobStore
  readonly files: OutputFileStore
  /**
   * Worker threads; they start when the first partition needs them.
   *
   * @defaultValue the number of cores
   */
  readonly workers?: number
  /**
   * Largest output file, in bytes of NDJSON. A single larger resource has a file of its own.
   *
   * @defaultValue 256 MiB
   */
  readonly maxFileBytes?: number
  /**
   * Largest partition, in estimated bytes of NDJSON: what a crash can make the server redo, and how
   * long a small job waits behind a large one.
   *
   * @defaultValue 64 MiB, or `maxFileBytes` where that is less
   */
  readonly partitionBytes?: number
  /** @defaultValue `'gzip'` */
  readonly compression?: 'gzip' | 'none'
  /**
   * 1 to 9.
   *
   * @defaultValue 1
   */
  readonly gzipLevel?: number
  /**
   * How long a finished job and its files are kept, in milliseconds.
   *
   * @defaultValue 24 hours
   */
  readonly retentionMs?: number
  /**
   * A job answers "in progress" for at least this long after its kick-off, in milliseconds:
   * certification tools expect that of the first status request.
   *
   * @defaultValue 1000
   */
  readonly minimumInProgressMs?: number
  /**
   * How often a partition may fail before its job fails.
   *
   * @defaultValue 3
   */
  readonly maxAttempts?: number
  /**
   * How often a partition may be begun in all, over restarts of the process: one that takes the
   * whole process down with it fails its job after as many.
   *
   * @defaultValue 10
   */
  readonly maxStarts?: number
  /**
   * Milliseconds between a failed attempt and the next, times the number of failures.
   *
   * @defaultValue 250
   */
  readonly retryDelayMs?: number
  /**
   * How long `park` and `delete` wait for a partition to end before its thread is ended, in
   * milliseconds.
   *
   * @defaultValue 2000
   */
  readonly graceMs?: number
  /**
   * Milliseconds between looks for what has expired.
   *
   * @defaultValue 60 s
   */
  readonly sweepIntervalMs?: number
  /**
   * Superseded versions of resources are removed once they are older than this many milliseconds and
   * no unfinished job needs them. At least a minute.
   *
   * @defaultValue 24 hours
   */
  readonly pruneAfterMs?: number
  /** @defaultValue the machine's clock */
  readonly clock?: () => Date
  /**
   * Makes ids of jobs and files: 128 random bits as 32 hexadecimal digits.
   *
   * @defaultValue from `node:crypto`
   */
  readonly randomId?: () => string
  /** Told what happens; what it throws is ignored. */
  readonly onEvent?: (event: ExportJobsEvent) => void
}

/** {@link ExportJobsOptions} with every default in place. */
export interface ExportJobsSettings extends Required<Omit<ExportJobsOptions, 'compression'>> {
  readonly storedEncoding: StoredEncoding
}

const positive = z.int().positive()
const duration = z.int().nonnegative()

const NUMBERS = z.object({
  workers: positive.max(1024).optional(),
  maxFileBytes: positive.optional(),
  partitionBytes: positive.optional(),
  compression: z.enum(['gzip', 'none']).optional(),
  gzipLevel: z.int().min(constants.Z_BEST_SPEED).max(constants.Z_BEST_COMPRESSION).optional(),
  retentionMs: positive.optional(),
  minimumInProgressMs: duration.optional(),
  maxAttempts: positive.optional(),
  maxStarts: positive.optional(),
  retryDelayMs: duration.optional(),
  graceMs: duration.optional(),
  sweepIntervalMs: positive.max(2 ** 31 - 1).optional(),
  pruneAfterMs: z.int().min(MINUTE_MS).optional(),
})

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RangeError that names the option at fault.
 */
export function exportJobsSettings(options: ExportJobsOptions): ExportJobsSettings {
  const checked = NUMBERS.safeParse(options)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new RangeError(
      `Option ${issue?.path.join('.') ?? ''} of ExportJobs: ${issue?.message ?? ''}`,
    )
  }
  const { compression = 'gzip', maxFileBytes = 256 * MEBIBYTE } = options
  return {
    resources: options.resources,
    jobs: options.jobs,
    files: options.files,
    workers: options.workers ?? Math.max(1, availableParallelism()),
    maxFileBytes,
    partitionBytes: options.partitionBytes ?? Math.min(64 * MEBIBYTE, maxFileBytes),
    storedEncoding: compression === 'gzip' ? 'gzip' : 'identity',
    gzipLevel: options.gzipLevel ?? constants.Z_BEST_SPEED,
    retentionMs: options.retentionMs ?? 24 * HOUR_MS,
    minimumInProgressMs: options.minimumInProgressMs ?? 1000,
    maxAttempts: options.maxAttempts ?? 3,
    maxStarts: options.maxStarts ?? 10,
    retryDelayMs: options.retryDelayMs ?? 250,
    graceMs: options.graceMs ?? 2000,
    sweepIntervalMs: options.sweepIntervalMs ?? MINUTE_MS,
    pruneAfterMs: options.pruneAfterMs ?? 24 * HOUR_MS,
    clock: options.clock ?? (() => new Date()),
    randomId: options.randomId ?? (() => randomBytes(16).toString('hex')),
    onEvent: harmless(options.onEvent),
  }
}

/** A log that fails must not fail the job that it logs. */
function harmless(onEvent: ExportJobsOptions['onEvent']): ExportJobsSettings['onEvent'] {
  return (event) => {
    try {
      onEvent?.(event)
    } catch {
      // Nobody is left to tell.
    }
  }
}
