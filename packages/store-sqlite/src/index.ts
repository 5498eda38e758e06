export {
  SqliteAccessStore,
  type SqliteAccessStoreOptions,
} from './access-store/sqlite-access-store.ts'
export { DataDirectoryInUseError, lockDataDirectory } from './data-directory-lock.ts'
export { SqliteJobStore, type SqliteJobStoreOptions } from './job-store/sqlite-job-store.ts'
export {
  SqliteResourceStore,
  type SqliteResourceStoreOptions,
} from './resource-store/sqlite-resource-store.ts'
export { SqliteFileLock, type SqliteFileLockOptions } from './sqlite-file-lock.ts'
export { StoreClosedError, StoreFailedError, StoreWorkerLostError } from './worker-errors.ts'
export {
  importResources,
  type ImportOptions,
  type ImportProgress,
  type ImportSummary,
} from './import/import-resources.ts'
export type { ImportCounts, ImportProblem } from './import/import-messages.ts'
export { ImportPathError } from './import/import-source.ts'
