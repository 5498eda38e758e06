import type { ResourceType } from '@flatfhir/protocol'
import type {
  BundleResult,
  ExportQuery,
  Partition,
  PlanLimits,
  ReadResult,
  ResourceStore,
  SearchPage,
  SearchQuery,
  Snapshot,
  WorkerModule,
  MemberChange,
  MemberChangeResult,
  ResourceHead,
  WriteOperation,
  WriteOptions,
  WriteResult,
} from '@flatfhir/server'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorker, type WorkerConnection } from '../worker-rpc.ts'
import type { ResourceWorkerHandlers } from './resource-worker.ts'

/** Name of the database file in a data directory. */
export const RESOURCES_FILE = 'resources.sqlite'

/** The threads that one store works with. */
interface StoreThreads {
  readonly writing: WorkerConnection<ResourceWorkerHandlers>
  readonly reading: WorkerConnection<ResourceWorkerHandlers>
  readonly planning: WorkerConnection<ResourceWorkerHandlers>
}

/** How a {@link SqliteResourceStore} is opened. */
export interface SqliteResourceStoreOptions {
  /** The data directory; made if it is not there. */
  readonly directory: string
}

/**
 * Keeps resources in one SQLite file. Several processes may have it open: one writes at a time, and
 * readers wait for nobody. SQLite works synchronously, so it does on threads of its own: one writes,
 * one reads, one plans exports and works out their cohorts, and each partition worker opens its own connection.
 */
export class SqliteResourceStore implements ResourceStore {
  readonly partitionReader: WorkerModule
  readonly #writing: WorkerConnection<ResourceWorkerHandlers>
  readonly #reading: WorkerConnection<ResourceWorkerHandlers>
  readonly #planning: WorkerConnection<ResourceWorkerHandlers>

  private constructor(path: string, threads: StoreThreads) {
    this.#writing = threads.writing
    this.#reading = threads.reading
    this.#planning = threads.planning
    this.partitionReader = {
      url: new URL('../partitions/partition-reader-module.js', import.meta.url).href,
      options: { path },
    }
  }

  /**
   * Opens the store of a data directory, making or migrating it as needed.
   *
   * @throws StoreFailedError when the directory or the file cannot be used.
   */
  static async open({ directory }: SqliteResourceStoreOptions): Promise<SqliteResourceStore> {
    await mkdir(directory, { recursive: true })
    const path = join(directory, RESOURCES_FILE)
    const url = new URL('./resource-worker.js', import.meta.url)
    // One after the other: the first makes the tables that the second expects.
    const writing = await connectWorker<ResourceWorkerHandlers>(url, { path })
    const reading = await connectWorker<ResourceWorkerHandlers>(url, { path })
    const planning = await connectWorker<ResourceWorkerHandlers>(url, { path })
    return new SqliteResourceStore(path, { writing, reading, planning })
  }

  write(
    operations: readonly WriteOperation[],
    options: WriteOptions = {},
  ): Promise<readonly WriteResult[]> {
    return this.#writing.call('write', operations, options)
  }

  writeBundle(
    body: Uint8Array,
    { author }: Pick<WriteOptions, 'author'> = {},
  ): Promise<BundleResult> {
    return this.#writing.call('writeBundle', body, author)
  }

  changeMembers(
    change: MemberChange,
    { author }: Pick<WriteOptions, 'author'> = {},
  ): Promise<MemberChangeResult> {
    return this.#writing.call('changeMembers', change, author)
  }

  head(type: ResourceType, id: string): Promise<ResourceHead> {
    return this.#reading.call('head', type, id)
  }

  groupsCreatedBy(clientId: string): Promise<readonly string[]> {
    return this.#reading.call('groupsCreatedBy', clientId)
  }

  read(type: ResourceType, id: string): Promise<ReadResult> {
    return this.#reading.call('read', type, id)
  }

  search(query: SearchQuery): Promise<SearchPage> {
    return this.#reading.call('search', query)
  }

  takeSnapshot(): Promise<Snapshot> {
    return this.#writing.call('takeSnapshot')
  }

  missingPatients(query: ExportQuery, snapshot: Snapshot): Promise<readonly string[]> {
    return this.#planning.call('missingPatients', query, snapshot)
  }

  planExport(
    query: ExportQuery,
    snapshot: Snapshot,
    limits: PlanLimits,
  ): Promise<readonly Partition[]> {
    return this.#planning.call('planExport', query, snapshot, limits)
  }

  prune(supersededBefore: Date): Promise<void> {
    return this.#writing.call('prune', supersededBefore.getTime())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = [this.#writing, this.#reading, this.#planning]
    await Promise.all(threads.map((thread) => thread[Symbol.asyncDispose]()))
  }
}
