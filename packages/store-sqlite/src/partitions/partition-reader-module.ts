import type { PartitionReader } from '@flatfhir/server'
import { SqlitePartitionReader, type PartitionReaderOptions } from './sqlite-partition-reader.ts'

/** For worker threads: see `PartitionReaderModule` of the server package. */
export async function openPartitionReader(options: unknown): Promise<PartitionReader> {
  return new SqlitePartitionReader(options as PartitionReaderOptions)
}
