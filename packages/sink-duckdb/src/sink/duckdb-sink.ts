import type { Sink, SinkSession } from '@flatfhir/client'
import { openDuckDb, type DuckDb } from '../database/open-duckdb.ts'
import { prepareWarehouse } from '../database/prepare-warehouse.ts'
import { SqlRunner } from '../database/sql.ts'
import { DuckDbSession, type Publisher } from './duckdb-session.ts'
import { publishParquet } from './parquet-publisher.ts'
import { prepareViews } from './prepare-views.ts'

/** Options of a {@link DuckDbSink}. */
export interface DuckDbSinkOptions {
  /** File of the database; made, with its directory, when it is missing. */
  readonly path: string
  /** Directory of a Parquet dataset that follows the database; none without it. */
  readonly parquetDirectory?: string | undefined
  /**
   * What DuckDB may keep in memory before it writes to its temporary directory. The process needs
   * some 200 MB more.
   *
   * @defaultValue 600 MB
   */
  readonly memoryLimitBytes?: number | undefined
  /** @defaultValue as many as the machine has cores */
  readonly threads?: number | undefined
  /** @defaultValue the directory of the database */
  readonly temporaryDirectory?: string | undefined
  /**
   * How long to wait for whoever has the database open, in milliseconds.
   *
   * @defaultValue 60 seconds
   */
  readonly waitMs?: number | undefined
}

/**
 * Lands resources in a DuckDB database: a table for each type in schema `main`, bookkeeping in schema
 * `sync`.
 */
export class DuckDbSink implements Sink {
  readonly #options: DuckDbSinkOptions

  constructor(options: DuckDbSinkOptions) {
    this.#options = options
  }

  /**
   * @throws WarehouseBusyError when somebody else has it open for too long.
   * @throws WarehouseNotRecognisedError when the file is no database that flatfhir made.
   * @throws WarehouseTooNewError when a later release wrote it.
   */
  async open(): Promise<SinkSession> {
    const db = await openDuckDb(this.#options)
    try {
      return await this.#openSession(db)
    } catch (error) {
      await db[Symbol.asyncDispose]()
      throw error
    }
  }

  async #openSession(db: DuckDb): Promise<SinkSession> {
    const sql = new SqlRunner(await db.connect())
    await prepareWarehouse(sql, db.path)
    await prepareViews(sql)
    return new DuckDbSession(db, sql, this.#publisher())
  }

  #publisher(): Publisher {
    const { parquetDirectory } = this.#options
    return async (sql) => {
      if (parquetDirectory !== undefined) await publishParquet(sql, parquetDirectory)
    }
  }
}
