import type { ValueType } from '../../options/value-types.ts'

/** All patients; or some, as ids and `@FILE`s with ids; an empty list is no choice at all. */
export type PatientSelection = 'all' | readonly string[]

/**
 * `--patient` alone is the level, with values it is also the IG's `patient` parameter.
 *
 * What holds `://` is the URL that was meant to be the argument, and never an id.
 */
export const patientSelection: ValueType<PatientSelection> = {
  placeholder: 'ID|@FILE',
  repeatable: true,
  isValueOptional: true,
  isPath: 'after @',
  expected: 'no value (write the URL before the flag), or ids of patients, or @FILE',
  parse: (raw) => {
    const parts: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
    if (parts.every(isSwitch)) return parts.every(isOn) ? 'all' : []
    const ids = parts.flatMap((part) => (typeof part === 'string' ? part.split(',') : ['']))
    const trimmed = ids.map((id) => id.trim())
    return trimmed.every((id) => id !== '' && id !== '@' && !id.includes('://'))
      ? trimmed
      : undefined
  },
  format: (value) => (value === 'all' ? 'true' : value.join(',')),
}

function isOn(part: unknown): boolean {
  return part === true || part === 'true'
}

function isSwitch(part: unknown): boolean {
  return isOn(part) || part === false || part === 'false'
}
