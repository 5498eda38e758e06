import type { ResourceType } from '@flatfhir/protocol'
import type {
  BundleResult,
  ExportQuery,
  Partition,
  PlanLimits,
  ReadResult,
  SearchPage,
  SearchQuery,
  Snapshot,
  MemberChange,
  MemberChangeResult,
  ResourceHead,
  WriteAuthor,
  WriteOperation,
  WriteOptions,
  WriteResult,
} from '@flatfhir/server'
import { migrate, openDatabase } from '../database.ts'
import { missingPatients } from '../partitions/cohort.ts'
import { exportWindow } from '../partitions/export-window.ts'
import { planPartitions } from '../partitions/plan.ts'
import { serveWorker } from '../worker-rpc.ts'
import { writeBundle } from './bundle-operations.ts'
import { changeMembers } from './member-change.ts'
import { prune } from './prune.ts'
import { applyWrite, newResourceId, prepareWrite } from './resource-operations.ts'
import { ResourceReader } from './resource-reader.ts'
import { ResourceWriter } from './resource-writer.ts'
import { RESOURCE_MIGRATIONS } from './schema.ts'

/** What a worker of the store is told. */
export interface ResourceWorkerOptions {
  readonly path: string
}

/** The functions that a worker of the store offers. */
export interface ResourceWorkerHandlers {
  write(operations: readonly WriteOperation[], options: WriteOptions): readonly WriteResult[]
  writeBundle(body: Uint8Array, author: WriteAuthor | undefined): BundleResult
  changeMembers(change: MemberChange, author: WriteAuthor | undefined): MemberChangeResult
  head(type: ResourceType, id: string): ResourceHead
  groupsCreatedBy(clientId: string): readonly string[]
  read(type: ResourceType, id: string): ReadResult
  search(query: SearchQuery): SearchPage
  takeSnapshot(): Snapshot
  missingPatients(query: ExportQuery, snapshot: Snapshot): readonly string[]
  planExport(query: ExportQuery, snapshot: Snapshot, limits: PlanLimits): readonly Partition[]
  prune(supersededBeforeMs: number): void
}

/** Ends a transaction that must be all or nothing, when one of its writes did nothing. */
class WriteRefused extends Error {
  readonly results: readonly WriteResult[]

  constructor(results: readonly WriteResult[]) {
    super('One of the writes was refused')
    this.results = results
  }
}

serveWorker<ResourceWorkerHandlers>((options) => {
  const { path } = options as ResourceWorkerOptions
  const database = openDatabase(path)
  migrate(database, RESOURCE_MIGRATIONS)
  const writer = new ResourceWriter(database)
  const reader = new ResourceReader(database)
  return {
    handlers: {
      write: (operations, options) => write(writer, operations, options),
      writeBundle: (body, author) => writeBundle(writer, body, { newId: newResourceId, author }),
      changeMembers: (change, author) =>
        writer.transaction(() => changeMembers(writer, change, author)),
      head: (type, id) => reader.head(type, id),
      groupsCreatedBy: (clientId) => reader.groupsCreatedBy(clientId),
      read: (type, id) => reader.read(type, id),
      search: (query) => reader.search(query),
      takeSnapshot: () => writer.takeSnapshot(),
      missingPatients: (query, snapshot) =>
        missingPatients(database, { query, window: exportWindow(database, query, snapshot) }),
      planExport: (query, snapshot, limits) =>
        planPartitions(database, { query, snapshot, limits }),
      prune: (supersededBeforeMs) => {
        prune(database, supersededBeforeMs)
      },
    },
    close: () => {
      database.close()
    },
  }
})

function write(
  writer: ResourceWriter,
  operations: readonly WriteOperation[],
  { atomic = false, author }: WriteOptions,
): readonly WriteResult[] {
  const options = { newId: newResourceId, author }
  const prepared = operations.map((operation) => prepareWrite(operation, options))
  try {
    return writer.transaction(() => {
      const results = prepared.map((one) => applyWrite(writer, one))
      if (atomic && results.some(isRefused)) throw new WriteRefused(results)
      return results
    })
  } catch (error) {
    if (error instanceof WriteRefused) return error.results
    throw error
  }
}

function isRefused({ state }: WriteResult): boolean {
  return state === 'invalid' || state === 'version-conflict'
}
