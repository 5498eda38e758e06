import { BulkDataError } from '@flatfhir/protocol'

/** Why a directory is not written to. */
export type ParquetRefusal = 'foreign-files' | 'another-source' | 'unknown-form'

const MESSAGES: Readonly<Record<ParquetRefusal, string>> = {
  'foreign-files': 'holds files that are not a dataset of ours',
  'another-source': 'holds the dataset of another source',
  'unknown-form': 'holds a dataset of a form that this release does not know',
}

/** A directory holds something else than the dataset that is to be written; it has been left alone. */
export class ParquetDirectoryRefusedError extends BulkDataError {
  readonly code = 'PARQUET_DIRECTORY_REFUSED'
  readonly retryable = false
  readonly directory: string
  readonly reason: ParquetRefusal

  constructor(directory: string, reason: ParquetRefusal) {
    super(`${directory} ${MESSAGES[reason]}`, {
      nextStep: 'Name an empty or missing directory, or remove what is in this one.',
    })
    this.directory = directory
    this.reason = reason
  }
}
