import { BulkDataError, type NdjsonFault } from '@flatfhir/protocol'

/** A file that is to be landed is not there, or cannot be read. */
export class LandingFileMissingError extends BulkDataError {
  readonly code = 'LANDING_FILE_MISSING'
  readonly retryable = false
  readonly path: string

  constructor(path: string) {
    super(`File ${path} cannot be read`, {
      nextStep: 'Run the export again, or name the folder that holds its files.',
    })
    this.path = path
  }
}

/** A file that is to be landed is not as long as it was when it was checked. */
export class LandingFileChangedError extends BulkDataError {
  readonly code = 'LANDING_FILE_CHANGED'
  readonly retryable = false
  readonly path: string
  readonly expectedBytes: number
  readonly actualBytes: number

  constructor(path: string, { expected, actual }: { expected: number; actual: number }) {
    super(`File ${path} has ${actual} bytes instead of ${expected}`, {
      nextStep: 'Run the export again; let nothing else write to its folder.',
    })
    this.path = path
    this.expectedBytes = expected
    this.actualBytes = actual
  }
}

/** A file whose name ends in `.gz` is not gzip, or ends too early. */
export class LandingFileDamagedError extends BulkDataError {
  readonly code = 'LANDING_FILE_DAMAGED'
  readonly retryable = false
  readonly path: string

  constructor(path: string) {
    super(`File ${path} is not complete gzip`, {
      nextStep: 'Fetch the file again; one that is not compressed must not be named .gz.',
    })
    this.path = path
  }
}

/** A line of a file that is to be landed is not one JSON object. Nothing of it is quoted. */
export class LandingLineInvalidError extends BulkDataError {
  readonly code = 'LANDING_LINE_INVALID'
  readonly retryable = false
  readonly path: string
  readonly fault: NdjsonFault
  /** 1-based, blank lines counted; absent where only the file is known. */
  readonly lineNumber: number | undefined

  constructor(path: string, fault: NdjsonFault, lineNumber?: number) {
    const line = lineNumber === undefined ? 'A line' : `Line ${lineNumber}`
    super(`${line} of ${path} is ${fault}`, {
      nextStep: 'Tell the source; correct or remove the line to land the rest.',
    })
    this.path = path
    this.fault = fault
    this.lineNumber = lineNumber
  }
}

/** DuckDB does not take a line, in which a scan of our own finds nothing wrong. */
export class LandingRefusedError extends BulkDataError {
  readonly code = 'LANDING_REFUSED'
  readonly retryable = false

  // No `cause`: messages of DuckDB can quote the line, which is patient data.
  constructor() {
    super('A line cannot be read as JSON', {
      nextStep: 'Check the files with a JSON validator, line by line.',
    })
  }
}
