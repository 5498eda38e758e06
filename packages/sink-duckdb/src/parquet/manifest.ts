import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ParquetDirectoryRefusedError } from './errors.ts'

/** Form of {@link ParquetManifest}; a change that readers must know of makes it larger. */
export const PARQUET_MANIFEST_VERSION = 1

/** Name of the manifest in a dataset. */
export const MANIFEST_NAME = '_manifest.json'

/** One Parquet file of a dataset. */
export interface ParquetFile {
  /** Relative to `current`, with slashes: `resource_type=Observation/part-….parquet`. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** One resource type of a dataset: one partition. */
export interface ParquetPartition {
  readonly type: string
  readonly rows: number
  /** Id of the run whose data is in the files. */
  readonly run: string
  /** Columns of every file, in order, with DuckDB's names of the types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Sorted: each file goes on where the one before ended. */
  readonly files: readonly ParquetFile[]
}

/** What a dataset holds: `_manifest.json`. Holds no patient data. */
export interface ParquetManifest {
  readonly format: 'flatfhir-parquet'
  readonly manifestVersion: typeof PARQUET_MANIFEST_VERSION
  /** Name of this state of the dataset, new with each publication. */
  readonly generation: string
  /** ISO 8601. */
  readonly createdAt: string
  /** Id of the run that was published last. */
  readonly run: string
  /** FHIR base URL of the source; absent where the dataset follows a warehouse, whose rows say theirs. */
  readonly source?: string
  readonly previous?: { readonly generation: string; readonly run: string }
  /** Sorted by type. */
  readonly partitions: readonly ParquetPartition[]
}

/**
 * Reads the manifest of a dataset.
 *
 * @returns `undefined` when there is none.
 * @throws {@link ParquetDirectoryRefusedError} when it is not one of ours.
 */
export async function readParquetManifest(directory: string): Promise<ParquetManifest | undefined> {
  const text = await readFile(join(directory, MANIFEST_NAME), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const manifest = parse(text)
  if (!isOurs(manifest)) throw new ParquetDirectoryRefusedError(directory, 'foreign-files')
  if (!isOfKnownForm(manifest)) throw new ParquetDirectoryRefusedError(directory, 'unknown-form')
  return manifest
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isOurs(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 'flatfhir-parquet'
  )
}

/** What says that it is ours and of this form was written by us. */
function isOfKnownForm(value: object): value is ParquetManifest {
  return 'manifestVersion' in value && value.manifestVersion === PARQUET_MANIFEST_VERSION
}
