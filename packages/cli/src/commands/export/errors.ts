import { BulkDataError } from '@flatfhir/protocol'

/** The file with the ids of patients cannot be read, or a line of it is not an id. Exit code 2. */
export class PatientFileError extends BulkDataError {
  readonly code = 'PATIENT_FILE'
  readonly retryable = false

  /** @param problem - The number of the first line that is not an id, or what else is wrong. */
  constructor(path: string, problem: number | 'unreadable' | 'empty') {
    const what =
      typeof problem === 'number' ? `line ${problem} is not the id of a patient` : PROBLEMS[problem]
    super(`${path}: ${what}`, { nextStep: 'Write one id in each line: 123, or Patient/123.' })
  }
}

const PROBLEMS = {
  unreadable: 'the ids of patients cannot be read',
  empty: 'there is no id of a patient in it',
} as const
