import { parseInstant } from '@flatfhir/protocol'

/** How the text of a flag or variable, or the value of a key of the config file, becomes a value. */
export interface ValueType<T> {
  /** Stands for the value in `--help`; `undefined` for a flag that takes none. */
  readonly placeholder: string | undefined
  /** `true` when the flag may be given more than once. */
  readonly repeatable: boolean
  /** Completes "expected …". */
  readonly expected: string
  /** `true` when the flag may stand without its value. */
  readonly isValueOptional?: boolean
  /** Whether it is a path, or one after an `@`; in a config file that is relative to the file. */
  readonly isPath?: true | 'after @'
  /** Reads any of the three forms; `undefined` when it is not such a value. */
  parse(raw: unknown): T | undefined
  /** The value as one would write it on the command line. */
  format(value: T): string
}

/** A switch: on where it is named. */
export const flag: ValueType<boolean> = {
  placeholder: undefined,
  repeatable: false,
  expected: 'true or false',
  parse: (raw) => {
    if (raw === true || raw === 'true' || raw === '1') return true
    if (raw === false || raw === 'false' || raw === '0') return false
    return undefined
  },
  format: String,
}

function oneText(raw: unknown): string | undefined {
  return typeof raw === 'string' && raw !== '' ? raw : undefined
}

/** Any text but the empty one. */
export function text(placeholder: string): ValueType<string> {
  return { placeholder, repeatable: false, expected: 'a text', parse: oneText, format: String }
}

/** A file or a directory. */
export function path(placeholder: string): ValueType<string> {
  return { ...text(placeholder), expected: 'a path', isPath: true }
}

/** Several paths; in the environment separated as in `PATH`. */
export function paths(placeholder: string, delimiter: string): ValueType<readonly string[]> {
  return {
    ...list(placeholder, delimiter),
    expected: 'one path or several',
    isPath: true,
  }
}

/** Several values: the flag repeated, or one text with a separator, or an array in the file. */
export function list(placeholder: string, separator = ','): ValueType<readonly string[]> {
  return {
    placeholder,
    repeatable: true,
    expected: 'one value or several',
    parse: (raw) => {
      const values = (Array.isArray(raw) ? raw : [raw]).flatMap((value: unknown) =>
        typeof value === 'string' ? value.split(separator).map((part) => part.trim()) : [undefined],
      )
      return values.length > 0 && values.every((value) => value !== undefined && value !== '')
        ? values.filter((value) => value !== undefined)
        : undefined
    },
    format: (value) => value.join(separator),
  }
}

/** Several values that may hold commas: the flag repeated, lines of a variable, or an array. */
export function lines(placeholder: string): ValueType<readonly string[]> {
  return list(placeholder, '\n')
}

/** One of some words. */
export function choice<const T extends string>(...words: readonly T[]): ValueType<T> {
  return {
    placeholder: words.join('|'),
    repeatable: false,
    expected: words.length === 1 ? `"${words.join('')}"` : `one of ${words.join(', ')}`,
    parse: (raw) => words.find((word) => word === raw),
    format: String,
  }
}

/** Some of some words: repeated, or with commas. */
export function choices<const T extends string>(...words: readonly T[]): ValueType<readonly T[]> {
  const texts = list(words.join(','))
  return {
    ...texts,
    expected: `one or several of ${words.join(', ')}`,
    parse: (raw) => {
      const values = texts.parse(raw)?.map((value) => words.find((word) => word === value))
      return values?.every((value) => value !== undefined) === true ? values : undefined
    },
  }
}

/** A whole number within limits, both inclusive. */
export function integer(minimum: number, maximum: number): ValueType<number> {
  return {
    placeholder: 'N',
    repeatable: false,
    expected: `a whole number from ${minimum} to ${maximum}`,
    parse: (raw) => {
      const value = typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : raw
      return typeof value === 'number' &&
        Number.isInteger(value) &&
        value >= minimum &&
        value <= maximum
        ? value
        : undefined
    },
    format: String,
  }
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** A number of bytes, with or without a unit. */
export const size: ValueType<number> = {
  placeholder: 'SIZE',
  repeatable: false,
  expected: 'a size such as 256MiB or 100MB',
  parse: (raw) => {
    const value = unitValue(raw, SIZE_UNITS)
    return value === undefined || value < 1 ? undefined : Math.round(value)
  },
  format: (value) =>
    inLargestUnit(value, [
      ['TiB', 2 ** 40],
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ]),
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
  d: 86_400e3,
}

/** A span of time with its unit; the value is in milliseconds. */
export const duration: ValueType<number> = {
  placeholder: 'DURATION',
  repeatable: false,
  expected: 'a duration with its unit, such as 500ms, 30s, 15m, 24h or 7d',
  parse: (raw) => {
    const value = raw === '0' || raw === 0 ? 0 : unitValue(raw, DURATION_UNITS)
    return value === undefined ? undefined : Math.round(value)
  },
  format: (value) =>
    inLargestUnit(value, [
      ['h', 3_600e3],
      ['m', 60e3],
      ['s', 1e3],
      ['ms', 1],
    ]),
}

/** A {@link duration} within limits, both inclusive, in milliseconds. */
export function durationWithin(minimum: number, maximum: number): ValueType<number> {
  return {
    ...duration,
    expected: `a duration from ${duration.format(minimum)} to ${duration.format(maximum)}`,
    parse: (raw) => {
      const value = duration.parse(raw)
      return value !== undefined && value >= minimum && value <= maximum ? value : undefined
    },
  }
}

/** A FHIR instant. */
export const instant: ValueType<Date> = {
  placeholder: 'INSTANT',
  repeatable: false,
  expected: 'an instant with its time zone, such as 2026-01-31T08:00:00Z',
  parse: (raw) => {
    const written = raw instanceof Date ? raw.toISOString() : raw
    return typeof written === 'string' ? parseInstant(written) : undefined
  },
  format: (value) => value.toISOString(),
}

/** A number followed by one of the units; in any case of letters. */
function unitValue(raw: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})$/.exec(
    typeof raw === 'number' ? String(raw) : typeof raw === 'string' ? raw : '',
  )
  const factor = units[match?.[2]?.toLowerCase() ?? 'none']
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor
}

/** The value in the largest of some units (largest first) that divides it. */
function inLargestUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, factor] = units.find(([, size]) => value >= size && value % size === 0) ?? ['', 1]
  return `${value / factor}${unit}`
}
