import { beginWrite, type Database } from '../database.ts'
import type { Snapshot } from '@flatfhir/server'

/** Milliseconds since the epoch. */
export type Clock = () => number

/**
 * The instants and sequence numbers that writes are stamped with.
 *
 * SQLite lets one transaction write at a time. Each takes the next sequence numbers and one instant,
 * which is never before the last writer's, and always after the *watermark*, the latest
 * `transactionTime` that was handed out. A snapshot raises the watermark while it holds the write
 * lock: whoever wrote before is in it, whoever writes later is stamped later, whatever the machine's
 * clock did in the meantime. All of it is state of the database, so it holds across processes.
 */
export class WriteClock {
  readonly #database: Database
  readonly #now: Clock
  readonly #read
  readonly #save
  readonly #log

  constructor(database: Database, now: Clock) {
    this.#database = database
    this.#now = now
    this.#read = database.prepare(
      'SELECT last_sequence AS sequence, last_written_at AS writtenAt, watermark FROM clock',
    )
    this.#save = database.prepare('UPDATE clock SET last_sequence = ?, last_written_at = ?')
    this.#log = database.prepare('INSERT INTO write_log (last_sequence, written_at) VALUES (?, ?)')
  }

  /** Within a write transaction: the instant of its writes, and the sequence before its first. */
  begin(): { readonly sequence: number; readonly writtenAt: number } {
    const { sequence, writtenAt, watermark } = this.#state()
    return { sequence, writtenAt: Math.max(this.#now(), writtenAt, watermark + 1) }
  }

  /** Within the same transaction, after its last write. */
  end(sequence: number, writtenAt: number): void {
    this.#save.run(sequence, writtenAt)
    this.#log.run(sequence, writtenAt)
  }

  /** Takes a snapshot: waits for the writer that is in flight, then bars its instant to all others. */
  takeSnapshot(): Snapshot {
    // No flush of its own: whichever write comes later flushes this first, as it follows in the log.
    this.#database.exec('PRAGMA synchronous = NORMAL')
    try {
      beginWrite(this.#database)
      const { sequence, writtenAt, watermark } = this.#state()
      const transactionTime = Math.max(this.#now(), writtenAt, watermark)
      this.#database.prepare('UPDATE clock SET watermark = ?').run(transactionTime)
      this.#database.exec('COMMIT')
      return { transactionTime: new Date(transactionTime), position: String(sequence) }
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL')
    }
  }

  #state(): { sequence: number; writtenAt: number; watermark: number } {
    return this.#read.get() as { sequence: number; writtenAt: number; watermark: number }
  }
}
