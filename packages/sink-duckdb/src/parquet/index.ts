export { ParquetDirectoryRefusedError, type ParquetRefusal } from './errors.ts'
export {
  PARQUET_MANIFEST_VERSION,
  readParquetManifest,
  type ParquetFile,
  type ParquetManifest,
  type ParquetPartition,
} from './manifest.ts'
export { publishParquetDataset, type PublishParquetOptions } from './publish-parquet-dataset.ts'
export { writeParquetDataset, type WriteParquetOptions } from './write-parquet-dataset.ts'
export type { CuttingOptions } from './write-partition.ts'
