import type { AccessTokenStore, AssertionReplayStore, ClientRegistry } from '@flatfhir/auth'
import { join } from 'node:path'
import { connectWorker, type WorkerConnection } from '../worker-rpc.ts'
import type { AccessDatabase } from './access-database.ts'

/** Where a {@link SqliteAccessStore} keeps its database. */
export interface SqliteAccessStoreOptions {
  /** Holds `access.sqlite`, which is made if it is not there, for its owner alone. */
  readonly directory: string
}

/**
 * Keeps clients, access tokens and used assertions in an SQLite database of their own. All of it
 * runs in a worker thread: the thread that answers HTTP never waits for a disk. Several processes
 * may have one open.
 */
export class SqliteAccessStore implements AsyncDisposable {
  readonly clients: ClientRegistry
  readonly tokens: AccessTokenStore
  readonly replays: AssertionReplayStore
  readonly #worker: WorkerConnection<AccessDatabase>

  private constructor(worker: WorkerConnection<AccessDatabase>) {
    this.#worker = worker
    this.clients = clientRegistry(worker)
    this.tokens = {
      save: (token) => worker.call('saveToken', token),
      find: (hash) => worker.call('findToken', hash),
      deleteOfClient: (clientId) => worker.call('deleteTokensOfClient', clientId),
      sweep: (now) => worker.call('sweepTokens', now),
    }
    this.replays = {
      useOnce: (use, now) => worker.call('useAssertionOnce', use, now),
      sweep: (now) => worker.call('sweepAssertions', now),
    }
  }

  /** @throws StoreFailedError when the file cannot be opened, or is not a database. */
  static async open({ directory }: SqliteAccessStoreOptions): Promise<SqliteAccessStore> {
    const url = new URL('./access-store-worker.js', import.meta.url)
    const path = join(directory, 'access.sqlite')
    return new SqliteAccessStore(await connectWorker<AccessDatabase>(url, { path }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#worker.close()
  }
}

function clientRegistry(worker: WorkerConnection<AccessDatabase>): ClientRegistry {
  return {
    add: (client) => worker.call('addClient', client),
    find: (clientId) => worker.call('findClient', clientId),
    list: () => worker.call('listClients'),
    revoke: (clientId, at) => worker.call('revokeClient', clientId, at),
    rotateKeys: (clientId, keys) => worker.call('rotateClientKeys', clientId, keys),
  }
}
