import { BulkDataError } from '@flatfhir/protocol'

/** Somebody else has the database open: DuckDB lets one process write, and shuts all others out. */
export class WarehouseBusyError extends BulkDataError {
  readonly code = 'WAREHOUSE_BUSY'
  readonly retryable = true
  readonly path: string
  readonly waitedMs: number

  constructor(path: string, waitedMs: number) {
    super(`Database ${path} was in use for ${Math.round(waitedMs / 1000)} seconds`, {
      nextStep: 'Close the program that has the database open, then run the same command again.',
    })
    this.path = path
    this.waitedMs = waitedMs
  }
}

/** A file is no DuckDB database, or one that was made by something else. */
export class WarehouseNotRecognisedError extends BulkDataError {
  readonly code = 'WAREHOUSE_NOT_RECOGNISED'
  readonly retryable = false
  readonly path: string

  constructor(path: string, what: string) {
    super(`File ${path} is ${what}`, {
      nextStep: 'Name a file that does not exist yet, or a database that flatfhir made.',
    })
    this.path = path
  }
}

/** A database was written by a later release, whose form this one does not know. */
export class WarehouseTooNewError extends BulkDataError {
  readonly code = 'WAREHOUSE_TOO_NEW'
  readonly retryable = false
  readonly format: number

  constructor(path: string, format: number) {
    super(`Database ${path} has form ${format}, which is later than this release knows`, {
      nextStep: 'Install the release that wrote it, or a later one.',
    })
    this.format = format
  }
}

/** DuckDB failed. Its own message is not shown, because it can quote data. */
export class WarehouseFailedError extends BulkDataError {
  readonly code = 'WAREHOUSE_FAILED'
  readonly retryable = false
  /** DuckDB's name of the kind of failure, such as `Out of Memory` or `IO`. */
  readonly reason: string

  constructor(doing: string, reason: string) {
    super(`DuckDB could not ${doing}: ${reason} error`, { nextStep: nextStepFor(reason) })
    this.reason = reason
  }
}

function nextStepFor(reason: string): string {
  if (reason === 'Out of Memory')
    return 'Allow DuckDB more memory, then run the same command again.'
  if (reason === 'IO') return 'Check free space and permissions beside the database.'
  return 'Nothing was changed. Run the same command again; report it if it fails again.'
}

/** A run that was committed earlier is to be landed again. */
export class RunAlreadyCommittedError extends BulkDataError {
  readonly code = 'RUN_ALREADY_COMMITTED'
  readonly retryable = false
  readonly runId: string

  constructor(runId: string) {
    super(`Run ${runId} was committed before`, {
      nextStep: 'Begin a new run; nothing of this one is missing.',
    })
    this.runId = runId
  }
}

/** A resource type cannot be a table: it is no name of a type, or its table belongs to another. */
export class ResourceTypeRefusedError extends BulkDataError {
  readonly code = 'RESOURCE_TYPE_REFUSED'
  readonly retryable = false

  // The name is not shown: it comes out of a line, and only what is a name of a type is none of data.
  constructor() {
    super('Lines have a resourceType that cannot be the name of a table', {
      nextStep: 'Export with _type, naming the types that you want.',
    })
  }
}

/** Lines have no `id`, by which they could be found again. */
export class ResourceWithoutIdError extends BulkDataError {
  readonly code = 'RESOURCE_WITHOUT_ID'
  readonly retryable = false
  readonly type: string
  readonly lines: number

  constructor(type: string, lines: number) {
    super(`${lines} lines of ${type} have no id`, {
      nextStep: 'Tell the source; until it is mended, leave the type out with _type.',
    })
    this.type = type
    this.lines = lines
  }
}

/** A file of deletions holds something else than transaction Bundles of DELETE requests. */
export class DeletionUnreadableError extends BulkDataError {
  readonly code = 'DELETION_UNREADABLE'
  readonly retryable = false
  readonly entries: number

  constructor(entries: number) {
    super(`${entries} entries of deletion Bundles do not delete one resource`, {
      nextStep: 'Tell the source: a deletion that is not understood would leave data behind.',
    })
    this.entries = entries
  }
}

/** Wraps what DuckDB threw; errors of our own pass. */
export function warehouseError(error: unknown, doing: string): Error {
  if (BulkDataError.is(error)) return error
  const message = error instanceof Error ? error.message : ''
  const reason = /^([A-Z][A-Za-z]*(?: [A-Za-z]+)*) Error:/.exec(message)?.[1] ?? 'unexpected'
  return new WarehouseFailedError(doing, reason)
}
