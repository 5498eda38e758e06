import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import type { ExclusiveLock } from '@flatfhir/server'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { failureReason, StoreFailedError } from './worker-errors.ts'

const DEFAULT_TIMEOUT_MS = 10_000
/** Between two tries; different for each, so that two who wait do not stay in step. */
const RETRY_MS = { least: 1, most: 6 } as const

/** Settings of a {@link SqliteFileLock}. */
export interface SqliteFileLockOptions {
  /**
   * How long `acquire` waits for another holder, in milliseconds.
   *
   * @defaultValue 10 s
   */
  readonly timeoutMs?: number
}

/**
 * A lock between processes, on a small SQLite file that stays empty. The operating system takes it
 * back when its holder ends, however he ends. Held for a few milliseconds at a time.
 */
export class SqliteFileLock implements ExclusiveLock {
  readonly #database: DatabaseSyncInstance
  readonly #timeoutMs: number
  #isHeld = false

  private constructor(database: DatabaseSyncInstance, timeoutMs: number) {
    this.#database = database
    this.#timeoutMs = timeoutMs
  }

  /**
   * @param path - Made, with its directory, if it is not there.
   * @throws StoreFailedError when the file cannot be made or opened.
   */
  static async open(
    path: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: SqliteFileLockOptions = {},
  ): Promise<SqliteFileLock> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      return new SqliteFileLock(new DatabaseSync(path, { timeout: 0 }), timeoutMs)
    } catch (error) {
      throw new StoreFailedError(failureReason(error))
    }
  }

  /** @throws StoreFailedError, for one with reason `SQLITE_BUSY` when the time is over. */
  async acquire(): Promise<() => void> {
    const deadline = performance.now() + this.#timeoutMs
    while (!this.#tryAcquire()) {
      if (performance.now() > deadline) throw new StoreFailedError('SQLITE_BUSY')
      await delay(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least))
    }
    return () => {
      if (this.#database.isOpen) this.#database.exec('ROLLBACK')
      this.#isHeld = false
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  #tryAcquire(): boolean {
    if (this.#isHeld) return false
    try {
      this.#database.exec('BEGIN EXCLUSIVE')
      this.#isHeld = true
      return true
    } catch (error) {
      const reason = failureReason(error)
      if (reason === 'SQLITE_BUSY') return false
      throw new StoreFailedError(reason)
    }
  }
}
