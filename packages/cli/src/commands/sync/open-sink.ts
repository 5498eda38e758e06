import { join } from 'node:path'
import type { Sink } from '@flatfhir/client'
import { DuckDbSink } from '@flatfhir/sink-duckdb'

/** Where data lands: a database, a dataset, or both. */
export interface SinkPaths {
  readonly duckdb: string | undefined
  readonly parquet: string | undefined
}

/** The database that holds what is landed; that of a dataset alone is inside of it. */
export function warehousePath({ duckdb, parquet }: SinkPaths): string {
  return duckdb ?? join(parquet ?? '', '_flatfhir', 'warehouse.duckdb')
}

/** Landing a large export takes so long at most. */
const WAIT_FOR_OTHERS_MS = 600_000

/** The sink for these paths; nothing is opened yet. */
export function openSink(paths: SinkPaths): Sink {
  const { parquet } = paths
  return new DuckDbSink({
    path: warehousePath(paths),
    waitMs: WAIT_FOR_OTHERS_MS,
    ...(parquet === undefined ? {} : { parquetDirectory: parquet }),
  })
}
