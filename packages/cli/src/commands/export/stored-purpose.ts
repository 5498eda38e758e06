import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { JournalInvalidError } from '@flatfhir/client'
import type { LoginPurpose } from '../../login/login.ts'

/**
 * What a login is wanted for, by the first line of the journal in an export's directory.
 *
 * @throws `JournalInvalidError` when there is no such line.
 */
export async function storedPurpose(directory: string): Promise<LoginPurpose> {
  const plan = planIn(await firstLine(join(directory, '.flatfhir', 'journal.ndjson')))
  if (plan === undefined) throw new JournalInvalidError('damaged', directory)
  return plan
}

/** However long: a list of patients is in it. */
async function firstLine(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    for await (const line of file.readLines()) return line
  } catch {
    // No journal is as good as one that cannot be read.
  }
  return ''
}

function planIn(line: string): LoginPurpose | undefined {
  const plan = recordAt(parse(line), 'plan')
  const { url, level } = plan ?? {}
  if (typeof url !== 'string') return undefined
  if (level !== 'system' && level !== 'patient' && level !== 'group') return undefined
  const types = recordAt(plan, 'parameters')?.['types']
  const isList = Array.isArray(types) && types.every((type) => typeof type === 'string')
  return { fhirBaseUrl: url, level, types: isList ? types : undefined }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function recordAt(value: unknown, name: string): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const inner: unknown = Reflect.get(value, name)
  return typeof inner === 'object' && inner !== null ? { ...inner } : undefined
}
