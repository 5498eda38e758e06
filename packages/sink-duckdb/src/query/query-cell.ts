import {
  DuckDBArrayValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api'

/**
 * One value of a result, exact: the digits of numbers as the database has them, instants in ISO 8601
 * (UTC), lists and structs as JSON.
 */
export interface QueryCell {
  /** `number`, `boolean` and `json` are JSON as they stand; `text` is the bare text. */
  readonly kind: 'null' | 'boolean' | 'number' | 'text' | 'json'
  /** Empty for `null`. */
  readonly text: string
}

const NULL: QueryCell = { kind: 'null', text: '' }

/** The exact form of one of DuckDB's values. */
export function queryCell(value: DuckDBValue): QueryCell {
  if (value === null) return NULL
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value) }
  if (typeof value === 'number') return numberCell(value)
  if (typeof value === 'bigint' || value instanceof DuckDBDecimalValue) {
    return { kind: 'number', text: value.toString() }
  }
  if (typeof value === 'string') return { kind: 'text', text: value }
  const nested = nestedJson(value)
  if (nested !== undefined) return { kind: 'json', text: nested }
  return { kind: 'text', text: timeText(value) ?? value.toString() }
}

/** A cell as JSON. */
export function cellJson({ kind, text }: QueryCell): string {
  if (kind === 'null') return 'null'
  return kind === 'text' ? JSON.stringify(text) : text
}

function numberCell(value: number): QueryCell {
  // JSON has no word for infinity and not-a-number.
  return { kind: Number.isFinite(value) ? 'number' : 'text', text: String(value) }
}

function nestedJson(value: DuckDBValue): string | undefined {
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return `[${value.items.map(jsonOf).join(',')}]`
  }
  if (value instanceof DuckDBStructValue) {
    const members = Object.entries(value.entries)
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`).join(',')}}`
  }
  if (value instanceof DuckDBMapValue) {
    const entries = value.entries.map(
      ({ key, value: mapped }) => `{"key":${jsonOf(key)},"value":${jsonOf(mapped)}}`,
    )
    return `[${entries.join(',')}]`
  }
  return value instanceof DuckDBUnionValue ? jsonOf(value.value) : undefined
}

function jsonOf(value: DuckDBValue): string {
  return cellJson(queryCell(value))
}

const MAX_DATE_MICROSECONDS = 8_640_000_000_000_000_000n

function timeText(value: DuckDBValue): string | undefined {
  if (value instanceof DuckDBTimestampTZValue) {
    const text = isoText(value.micros)
    return text === undefined ? undefined : `${text}Z`
  }
  if (value instanceof DuckDBTimestampValue) return isoText(value.micros)
  return value instanceof DuckDBDateValue ? value.toString() : undefined
}

/** `undefined` for infinity and for what the calendar of JavaScript does not reach. */
function isoText(microseconds: bigint): string | undefined {
  if (microseconds > MAX_DATE_MICROSECONDS || microseconds < -MAX_DATE_MICROSECONDS)
    return undefined
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((microseconds - fraction) / 1_000n)).toISOString().slice(0, -5)
  if (fraction === 0n) return seconds
  const digits = String(fraction).padStart(6, '0')
  return `${seconds}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}`
}
