import type { AssertionUse, ClientKeys, RegisteredClient, StoredAccessToken } from '@flatfhir/auth'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { chmodSync, closeSync, openSync } from 'node:fs'
import { inTransaction, migrate, openDatabase } from '../database.ts'
import {
  accessTokenOf,
  clientOf,
  clientValues,
  type AccessTokenRow,
  type ClientRow,
} from './rows.ts'
import { ACCESS_MIGRATIONS } from './schema.ts'

const CACHE_KIB = 8 * 1024
const OWNER_ONLY = 0o600

type Statement = ReturnType<DatabaseSyncInstance['prepare']>
type Values = readonly (string | number | null)[]

/**
 * The tables behind `SqliteAccessStore`, synchronously; lives in the store's worker thread. The
 * methods are those of the interfaces in the auth package, which say what they do.
 */
export class AccessDatabase {
  readonly #database: DatabaseSyncInstance
  readonly #statements = new Map<string, Statement>()

  /** Opens the database, made if it is not there, and brings it to the newest schema. */
  constructor(path: string) {
    makeForOwnerOnly(path)
    this.#database = openDatabase(path, { cacheKib: CACHE_KIB })
    migrate(this.#database, ACCESS_MIGRATIONS)
  }

  addClient(client: RegisteredClient): void {
    const values = clientValues(client)
    const columns = Object.keys(values)
    const places = columns.map(() => '?').join(', ')
    const sql = `INSERT INTO client (${columns.join(', ')}) VALUES (${places})`
    this.#write(sql, ...Object.values(values))
  }

  findClient(clientId: string): RegisteredClient | undefined {
    const sql = 'SELECT * FROM client WHERE client_id = ?'
    const row = this.#sql(sql).get(clientId) as ClientRow | undefined
    return row && clientOf(row)
  }

  listClients(): readonly RegisteredClient[] {
    const rows = this.#sql('SELECT * FROM client ORDER BY number').all() as ClientRow[]
    return rows.map(clientOf)
  }

  revokeClient(clientId: string, at: Date): boolean {
    return inTransaction(this.#database, () => {
      const sql =
        'UPDATE client SET revoked_at_ms = ? WHERE client_id = ? AND revoked_at_ms IS NULL'
      const revoked = this.#run(sql, at.getTime(), clientId) > 0
      if (revoked) this.#run('DELETE FROM access_token WHERE client_id = ?', clientId)
      return revoked
    })
  }

  rotateClientKeys(clientId: string, keys: ClientKeys): boolean {
    const sql = 'UPDATE client SET keys = ? WHERE client_id = ? AND revoked_at_ms IS NULL'
    return this.#write(sql, JSON.stringify(keys), clientId) > 0
  }

  saveToken({ hash, clientId, scopes, expiresAt }: StoredAccessToken): void {
    const sql =
      'INSERT INTO access_token (hash, client_id, scopes, expires_at_ms) VALUES (?, ?, ?, ?)'
    this.#write(sql, hash, clientId, scopes, expiresAt.getTime())
  }

  findToken(hash: string): StoredAccessToken | undefined {
    const sql = 'SELECT * FROM access_token WHERE hash = ?'
    const row = this.#sql(sql).get(hash) as AccessTokenRow | undefined
    return row && accessTokenOf(row)
  }

  deleteTokensOfClient(clientId: string): number {
    return this.#write('DELETE FROM access_token WHERE client_id = ?', clientId)
  }

  sweepTokens(now: Date): number {
    return this.#write('DELETE FROM access_token WHERE expires_at_ms <= ?', now.getTime())
  }

  useAssertionOnce({ issuer, jti, expiresAt }: AssertionUse, now: Date): boolean {
    // One statement under SQLite's write lock, so that of two processes one finds the other's row.
    const sql = `INSERT INTO assertion_use (issuer, jti, expires_at_ms) VALUES (?, ?, ?)
       ON CONFLICT (issuer, jti) DO UPDATE SET expires_at_ms = excluded.expires_at_ms
       WHERE assertion_use.expires_at_ms <= ?`
    return this.#write(sql, issuer, jti, expiresAt.getTime(), now.getTime()) > 0
  }

  sweepAssertions(now: Date): number {
    return this.#write('DELETE FROM assertion_use WHERE expires_at_ms <= ?', now.getTime())
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  /** Runs one statement in a transaction of its own, which waits for other writers. */
  #write(sql: string, ...values: Values): number {
    return inTransaction(this.#database, () => this.#run(sql, ...values))
  }

  #run(sql: string, ...values: Values): number {
    return this.#sql(sql).run(...values).changes
  }

  #sql(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

/** SQLite gives its log the permissions of the database. */
function makeForOwnerOnly(path: string): void {
  closeSync(openSync(path, 'a', OWNER_ONLY))
  chmodSync(path, OWNER_ONLY)
}
