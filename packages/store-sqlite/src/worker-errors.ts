import {
  BulkDataError,
  RequestInvalidError,
  ResourceInvalidError,
  type ResourceFault,
} from '@flatfhir/protocol'

/** The worker thread of a store ended although nobody asked it to. */
export class StoreWorkerLostError extends BulkDataError {
  readonly code = 'STORE_WORKER_LOST'
  readonly retryable = false

  constructor(reason: string) {
    super(`A worker thread of the store ended unexpectedly (${reason})`, {
      nextStep: 'Restart the process; what was acknowledged is safe on disk.',
    })
  }
}

/** A call to a store whose worker thread was closed. */
export class StoreClosedError extends BulkDataError {
  readonly code = 'STORE_CLOSED'
  readonly retryable = false

  constructor() {
    super('The store is closed')
  }
}

/** A store could not do what it was asked to, for reasons of the disk, of SQLite, or of a defect. */
export class StoreFailedError extends BulkDataError {
  readonly code = 'STORE_FAILED'
  readonly retryable: boolean
  /** SQLite's or Node's own name of the failure, for example `SQLITE_FULL` or `EACCES`. */
  readonly reason: string

  constructor(reason: string) {
    super(`The store failed: ${reason}`, { nextStep: NEXT_STEPS.get(reason) ?? DEFAULT_NEXT_STEP })
    this.reason = reason
    this.retryable = reason === 'SQLITE_BUSY' || reason === 'SQLITE_LOCKED'
  }
}

const DEFAULT_NEXT_STEP = 'Check that the data directory is writable and not damaged.'
const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ['SQLITE_FULL', 'Free some disk space.'],
  ['ENOSPC', 'Free some disk space.'],
  ['SQLITE_BUSY', 'Try again once the other process has finished writing.'],
  ['SQLITE_CORRUPT', 'Restore the data directory from a backup.'],
  ['SQLITE_NOTADB', 'Restore the data directory from a backup.'],
])

/** An error of flatfhir's own that was thrown in a worker thread. */
class ForwardedError extends BulkDataError {
  readonly code: string
  readonly retryable: boolean

  constructor(error: BulkDataDescription) {
    super(error.message, error.nextStep === undefined ? {} : { nextStep: error.nextStep })
    this.name = error.name
    this.code = error.code
    this.retryable = error.retryable
    Object.assign(this, error.details)
  }
}

interface BulkDataDescription {
  readonly kind: 'bulk-data'
  readonly name: string
  readonly message: string
  readonly code: string
  readonly retryable: boolean
  readonly nextStep: string | undefined
  /** Further fields of the error that are plain values. */
  readonly details: Readonly<Record<string, string | number | boolean>>
}

/** An error in a form that can be posted between threads. */
export type ErrorDescription =
  | BulkDataDescription
  | {
      readonly kind: 'programmer'
      readonly name: 'TypeError' | 'RangeError'
      readonly message: string
    }
  | { readonly kind: 'other'; readonly reason: string }

const COMMON_FIELDS = new Set([
  'stack',
  'message',
  'name',
  'code',
  'retryable',
  'nextStep',
  'cause',
])

/**
 * Describes an error for another thread. Messages of foreign errors stay behind: those of
 * `JSON.parse`, for one, quote what they could not read.
 */
export function describeError(error: unknown): ErrorDescription {
  if (BulkDataError.is(error)) {
    const { name, message, code, retryable, nextStep } = error
    return {
      kind: 'bulk-data',
      name,
      message,
      code,
      retryable,
      nextStep,
      details: detailsOf(error),
    }
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    const name = error instanceof TypeError ? 'TypeError' : 'RangeError'
    return { kind: 'programmer', name, message: error.message }
  }
  return { kind: 'other', reason: failureReason(error) }
}

function detailsOf(error: object): BulkDataDescription['details'] {
  const details: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(error) as [string, unknown][]) {
    if (COMMON_FIELDS.has(name)) continue
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      details[name] = value
    }
  }
  return details
}

/** SQLite's name of a failure, or Node's, or that of the error's class. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('sqliteCodeName' in error && typeof error.sqliteCodeName === 'string') {
    return error.sqliteCodeName
  }
  // Node's own SQLite module has the number alone.
  if ('errcode' in error && typeof error.errcode === 'number') {
    return PRIMARY_RESULT_CODES.get(error.errcode & 0xff) ?? `SQLite result ${error.errcode}`
  }
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name
}

const PRIMARY_RESULT_CODES: ReadonlyMap<number, string> = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [19, 'SQLITE_CONSTRAINT'],
  [26, 'SQLITE_NOTADB'],
])

/** The error that a caller in this thread gets for one that was thrown in the other. */
export function reviveError(error: ErrorDescription): Error {
  if (error.kind === 'programmer') {
    return error.name === 'TypeError' ? new TypeError(error.message) : new RangeError(error.message)
  }
  if (error.kind === 'other') return new StoreFailedError(error.reason)
  const { issueType, fault } = error.details
  // Callers tell these two apart with `instanceof`.
  if (error.code === 'REQUEST_INVALID' && typeof issueType === 'string') {
    const options = error.nextStep === undefined ? {} : { nextStep: error.nextStep }
    return new RequestInvalidError(issueType, error.message, options)
  }
  if (error.code === 'RESOURCE_INVALID' && typeof fault === 'string') {
    return new ResourceInvalidError(fault as ResourceFault, error.message)
  }
  return new ForwardedError(error)
}
