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

/** The sink for these paths; nothing is opened yet. */
export function openSink(paths: SinkPaths): Sink {
  const { parquet } = paths
  return new DuckDbSink({
    path: warehousePath(paths),
    ...(parquet === undefined ? {} : { parquetDirectory: parquet }),
  })
}
