export {
  openReader,
  readExport,
  type Exported,
  type ExportedLine,
  type ReadExportOptions,
} from './exported.ts'
export { resourceStoreContract } from './resource-store-contract.ts'
export type { RandomRuns } from './since-chain.ts'
export type { MakePlace, OpenResourceStore } from './store-fixture.ts'
