import { choice, duration, type ValueType } from '../options/value-types.ts'

/** Headers, as a table of names and values; also what `--header` would be given, in a list. */
export const headerTable: ValueType<readonly string[]> = {
  placeholder: 'TABLE',
  repeatable: false,
  expected: 'a table of names and values, such as { Epic-Client-ID = "id" }',
  parse: (raw) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined
    const entries = Object.entries(raw)
    const lines = entries.flatMap(([name, value]) =>
      typeof value === 'string' ? [`${name}:${value}`] : [],
    )
    return lines.length === entries.length ? lines : undefined
  },
  format: (value) => value.join('\n'),
}

const DAY_MS = 86_400_000

/** A duration, or that it never happens. */
export const durationOrNever: ValueType<number | 'never'> = {
  placeholder: 'DURATION|never',
  repeatable: false,
  expected: `${duration.expected}, or "never"`,
  parse: (raw) => choice('never').parse(raw) ?? duration.parse(raw),
  format: (value) => {
    if (value === 'never') return value
    return value % DAY_MS === 0 ? `${value / DAY_MS}d` : duration.format(value)
  },
}

/** A share of a whole, written in percent; the value is from 0 to 1. */
export const percent: ValueType<number> = {
  placeholder: 'PERCENT',
  repeatable: false,
  expected: 'a share in percent, such as "20%"',
  parse: (raw) => {
    const written = typeof raw === 'string' ? /^(\d{1,3}(?:\.\d{1,4})?) ?%$/.exec(raw)?.[1] : raw
    const value = typeof written === 'string' ? Number(written) : written
    return typeof value === 'number' && value >= 0 && value <= 100 ? value / 100 : undefined
  },
  format: (value) => `${value * 100}%`,
}

/** The name of an environment variable. */
export const variableName: ValueType<string> = {
  placeholder: 'VARIABLE',
  repeatable: false,
  expected: 'the name of an environment variable, not the secret itself',
  parse: (raw) =>
    typeof raw === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(raw) ? raw : undefined,
  format: String,
}

/** Several texts that may hold commas. */
export function texts(placeholder: string): ValueType<readonly string[]> {
  return {
    placeholder,
    repeatable: true,
    expected: 'a list of texts',
    parse: (raw) => {
      const values: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      const found = values.filter((value) => typeof value === 'string' && value !== '')
      return found.length === values.length ? (found as readonly string[]) : undefined
    },
    format: (value) => value.join(', '),
  }
}
