import { BulkDataError } from '@flatfhir/protocol'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'

/** An open connection. */
export type Database = DatabaseSyncInstance

/** A newer release of flatfhir has written the database. */
export class SchemaTooNewError extends BulkDataError {
  readonly code = 'SCHEMA_TOO_NEW'
  readonly retryable = false

  constructor(found: number, known: number) {
    super(`The database has schema version ${found}, this release knows up to ${known}`, {
      nextStep: 'Use the newer release that has written the data directory.',
    })
  }
}

/** How a connection is opened. */
export interface ConnectionOptions {
  readonly readOnly?: boolean
  /**
   * Memory for pages, in KiB.
   *
   * @defaultValue 32 MiB
   */
  readonly cacheKib?: number
}

const PAGE_BYTES = 16 * 1024
const DEFAULT_CACHE_KIB = 32 * 1024
/** Writers are one at a time, and each is done within a second or so. */
const BUSY_TIMEOUT_MS = 60_000
/** The log is copied back into the database every so many pages: 64 MiB. */
const CHECKPOINT_PAGES = 4096

/** Opens a database file: write-ahead log, every commit flushed to the disk. */
export function openDatabase(path: string, options: ConnectionOptions = {}): Database {
  const database = new DatabaseSync(path, {
    readOnly: options.readOnly ?? false,
    timeout: BUSY_TIMEOUT_MS,
  })
  if (options.readOnly !== true) {
    database.exec(`PRAGMA page_size = ${PAGE_BYTES}`)
    useWriteAheadLog(database)
    database.exec('PRAGMA synchronous = FULL')
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    database.exec('PRAGMA journal_size_limit = 134217728')
  }
  database.exec(`PRAGMA cache_size = -${options.cacheKib ?? DEFAULT_CACHE_KIB}`)
  database.exec('PRAGMA temp_store = MEMORY')
  return database
}

/**
 * Takes the write lock, waiting for the writer that has it.
 *
 * SQLite's own waiting sleeps up to 100 ms at a time and so can miss, again and again, the moment
 * between two transactions of a long import. This looks every millisecond; the thread may block.
 */
export function beginWrite(database: Database): void {
  database.exec('PRAGMA busy_timeout = 0')
  try {
    execWhenFree(database, 'BEGIN IMMEDIATE')
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  }
}

/**
 * Changes a new database to its write-ahead log, which is then its mode for ever.
 *
 * The change upgrades a read lock. Where two connections do that at the same time, SQLite does not
 * wait, because both would wait for ever: it tells one of them at once that the database is busy.
 */
function useWriteAheadLog(database: Database): void {
  execWhenFree(database, 'PRAGMA journal_mode = WAL')
}

/** Blocks this thread; for threads that have nothing else to do. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function execWhenFree(database: Database, sql: string): void {
  const deadline = performance.now() + BUSY_TIMEOUT_MS
  while (!tryExec(database, sql, performance.now() < deadline)) pause(1)
}

function tryExec(database: Database, sql: string, mayWait: boolean): boolean {
  try {
    database.exec(sql)
    return true
  } catch (error) {
    if (mayWait && isBusy(error)) return false
    throw error
  }
}

function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown }
  const SQLITE_BUSY = 5
  return typeof errcode === 'number' && (errcode & 0xff) === SQLITE_BUSY
}

/** Runs `work` in one write transaction, which is rolled back when it throws. */
export function inTransaction<T>(database: Database, work: () => T): T {
  beginWrite(database)
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Brings a database to the newest schema: `migrations[n]` leads from version n to n + 1. */
export function migrate(database: Database, migrations: readonly string[]): void {
  if (schemaVersion(database) === migrations.length) return
  inTransaction(database, () => {
    const current = schemaVersion(database)
    if (current > migrations.length) {
      throw new SchemaTooNewError(current, migrations.length)
    }
    for (const statements of migrations.slice(current)) database.exec(statements)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function schemaVersion(database: Database): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}
