export type * from './job-store.ts'
export type * from './output-file-store.ts'
export type * from './resource-store.ts'
