import { BulkDataError } from '@flatfhir/protocol'

/** An option of a population is not usable, for example a negative number of patients. */
export class PopulationOptionInvalidError extends BulkDataError {
  readonly code = 'POPULATION_OPTION_INVALID'
  readonly retryable = false
  /** Name of the option, as in `PopulationOptions`. */
  readonly option: string

  constructor(option: string, expectation: string) {
    super(`The option "${option}" must be ${expectation}`, {
      nextStep: `Give a value for "${option}" that is ${expectation}.`,
    })
    this.option = option
  }
}

/** The directory for a population holds NDJSON files already, and nobody allowed to replace them. */
export class PopulationDirectoryNotEmptyError extends BulkDataError {
  readonly code = 'POPULATION_DIRECTORY_NOT_EMPTY'
  readonly retryable = false
  readonly directory: string
  /** How many `*.ndjson` files are there. */
  readonly fileCount: number

  constructor(directory: string, fileCount: number) {
    super(`The directory ${directory} holds ${fileCount} NDJSON file(s) already`, {
      nextStep: 'Choose an empty directory, or allow the files to be overwritten.',
    })
    this.directory = directory
    this.fileCount = fileCount
  }
}

/** The files of a population cannot be written: no space, no permission, or a vanished directory. */
export class PopulationWriteFailedError extends BulkDataError {
  readonly code = 'POPULATION_WRITE_FAILED'
  readonly retryable = true
  readonly directory: string

  constructor(directory: string, cause: unknown) {
    super(`The population cannot be written to ${directory} (${systemCodeOf(cause)})`, {
      cause,
      nextStep:
        'Check that the directory can be written and that its disk has room; then try again.',
    })
    this.directory = directory
  }
}

function systemCodeOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return 'unknown cause'
}
