import type { Column, ColumnReading } from './column.ts'
import { medicalRecordNumberSql, usCoreTextSql } from './element-lists-sql.ts'
import { referenceIdSql, referenceTypeSql } from './reference-sql.ts'

/** What a column reads from its own texts alone, whatever the type. */
export type SimpleReading = Exclude<ColumnReading, 'patients' | 'first-patient'>

type Reader = (text: string, column: Column) => string

// TRY_CAST everywhere: what a source sends is not ours to refuse, and it is in `raw` all the same.
const READERS: Readonly<Record<SimpleReading, Reader>> = {
  text: (text) => text,
  instant: (text) => `TRY_CAST(${completed(text, '0000-01-01T00:00:00Z')} AS TIMESTAMPTZ)`,
  date: (text) => `TRY_CAST(${completed(`${text}[:10]`, '0000-01-01')} AS DATE)`,
  number: (text) => `TRY_CAST(${text} AS DOUBLE)`,
  integer: (text) => `TRY_CAST(${text} AS BIGINT)`,
  money: (text) => `TRY_CAST(${text} AS DECIMAL(18,2))`,
  boolean: (text) => `TRY_CAST(${text} AS BOOLEAN)`,
  reference: (text, { target }) => referenceIdSql(text, target),
  'reference-type': (text) => referenceTypeSql(text),
  'medical-record-number': (text) => medicalRecordNumberSql(text, 'value'),
  'medical-record-number-system': (text) => medicalRecordNumberSql(text, 'system'),
  'us-core-race': (text) => usCoreTextSql(text, 'us-core-race'),
  'us-core-ethnicity': (text) => usCoreTextSql(text, 'us-core-ethnicity'),
}

/**
 * SQL of a column's value, from the names of the columns with the texts at its paths. Never an error,
 * whatever the texts are.
 */
export function readingSql(
  column: Column & { readonly reading: SimpleReading },
  texts: readonly string[],
): string {
  const text = texts.length === 1 ? (texts[0] ?? 'NULL') : `coalesce(${texts.join(', ')})`
  return READERS[column.reading](text, column)
}

/** A date or instant of partial precision, filled up to the start of its period, in UTC. */
function completed(text: string, start: string): string {
  return `(${text} || substr('${start}', length(${text}) + 1))`
}
