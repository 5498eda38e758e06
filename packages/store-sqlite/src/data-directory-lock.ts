import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { BulkDataError } from '@flatfhir/protocol'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { failureReason, StoreFailedError } from './worker-errors.ts'

const LOCK_FILE = 'serve.lock'

/** Another process serves from the same data directory. */
export class DataDirectoryInUseError extends BulkDataError {
  readonly code = 'DATA_DIRECTORY_IN_USE'
  readonly retryable = true

  constructor() {
    super('Another process already serves from this data directory', {
      nextStep: 'Stop the other process, or give this one a data directory of its own.',
    })
  }
}

/**
 * Claims a data directory for the one process that runs its export jobs; importing beside it needs
 * no claim. The operating system gives the claim back when the process ends, however it ends: it is
 * an exclusive lock on a small SQLite file, not the file's existence.
 *
 * @param directory - Made if it is not there.
 * @throws DataDirectoryInUseError when another process holds the claim, or this one already does.
 * @throws StoreFailedError when the directory cannot be written to.
 */
export async function lockDataDirectory(directory: string): Promise<AsyncDisposable> {
  let database: DatabaseSyncInstance | undefined
  try {
    await mkdir(directory, { recursive: true })
    database = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return claimOf(database)
  } catch (error) {
    database?.close()
    const reason = failureReason(error)
    if (reason === 'SQLITE_BUSY') throw new DataDirectoryInUseError()
    throw new StoreFailedError(reason)
  }
}

function claimOf(database: DatabaseSyncInstance): AsyncDisposable {
  const claim = {
    // A property, because the lock ends with the database object, garbage collection included.
    database,
    async [Symbol.asyncDispose](): Promise<void> {
      if (claim.database.isOpen) claim.database.close()
    },
  }
  return claim
}
