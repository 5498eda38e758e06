import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { PatientFileError } from './errors.ts'
import type { PatientSelection } from './patient-selection.ts'
import { UsageError } from '../../errors.ts'

// Some providers have ids longer than FHIR's 64 characters.
const ID = /^(?:Patient\/)?[A-Za-z0-9\-._~]{1,256}$/

/**
 * The ids that `--patient` names, in order, each once.
 *
 * @returns `undefined` for all patients.
 * @throws `UsageError`, {@link PatientFileError}; neither repeats an id.
 */
export async function readPatients(
  selection: PatientSelection | undefined,
): Promise<readonly string[] | undefined> {
  if (selection === undefined || selection === 'all' || selection.length === 0) return undefined
  const ids = new Set<string>()
  for (const part of selection) {
    if (part.startsWith('@')) await readFileInto(ids, part.slice(1))
    else if (ID.test(part)) ids.add(part)
    else {
      throw new UsageError(
        '--patient: one of the values is not an id',
        'Ids look like 123 or Patient/123; a file with ids is named with @ before it.',
      )
    }
  }
  return [...ids]
}

/** One id in each line; blank lines do not count. */
async function readFileInto(ids: Set<string>, path: string): Promise<void> {
  let lineNumber = 0
  let found = 0
  try {
    const input = createReadStream(path, { encoding: 'utf8' })
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      lineNumber += 1
      const id = line.replace(/^\uFEFF/, '').trim()
      if (id === '') continue
      if (!ID.test(id)) throw new PatientFileError(path, lineNumber)
      ids.add(id)
      found += 1
    }
  } catch (error) {
    throw error instanceof PatientFileError ? error : new PatientFileError(path, 'unreadable')
  }
  if (found === 0) throw new PatientFileError(path, 'empty')
}
