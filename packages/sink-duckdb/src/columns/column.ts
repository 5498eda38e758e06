/**
 * How the value of a column is read from the texts at its JSON paths. Where there are several paths
 * the first that is there counts.
 *
 * - `text`: as it is. What is no JSON string comes as its JSON text.
 * - `instant`, `date`: start of the period that the text names, in UTC where it names no offset.
 * - `number`, `integer`, `money`, `boolean`: NULL where the text is no such thing.
 * - `reference`: the id in a reference, `reference-type`: the type in it.
 * - `patients`: ids of the patients in whose compartment the resource is.
 * - `first-patient`: the first of them, for types that name their patient among others.
 * - `medical-record-number`, `medical-record-number-system`: from a list of identifiers.
 * - `us-core-race`, `us-core-ethnicity`: the text of US Core's extension in a list of extensions.
 */
export type ColumnReading =
  | 'text'
  | 'instant'
  | 'date'
  | 'number'
  | 'integer'
  | 'money'
  | 'boolean'
  | 'reference'
  | 'reference-type'
  | 'patients'
  | 'first-patient'
  | 'medical-record-number'
  | 'medical-record-number-system'
  | 'us-core-race'
  | 'us-core-ethnicity'

/** One column of a table of resources whose value follows from the resource's JSON text. */
export interface Column {
  /** Lower case, letters, digits and underscores: never needs more than quotes. */
  readonly name: string
  /** DuckDB's name of the type, for `CREATE TABLE`. */
  readonly sqlType: string
  readonly reading: ColumnReading
  /** JSON paths, as `json_extract_string` takes them, without wildcards. */
  readonly paths: readonly string[]
  /** For `reference`: the only type that counts; without it any. */
  readonly target?: string
}

const SQL_TYPES: Readonly<Record<ColumnReading, string>> = {
  text: 'VARCHAR',
  instant: 'TIMESTAMPTZ',
  date: 'DATE',
  number: 'DOUBLE',
  integer: 'BIGINT',
  money: 'DECIMAL(18,2)',
  boolean: 'BOOLEAN',
  reference: 'VARCHAR',
  'reference-type': 'VARCHAR',
  patients: 'VARCHAR[]',
  'first-patient': 'VARCHAR',
  'medical-record-number': 'VARCHAR',
  'medical-record-number-system': 'VARCHAR',
  'us-core-race': 'VARCHAR',
  'us-core-ethnicity': 'VARCHAR',
}

/** Describes one column. Paths are written without the leading `$.`. */
export function column(name: string, reading: ColumnReading, ...paths: readonly string[]): Column {
  return { name, sqlType: SQL_TYPES[reading], reading, paths: paths.map((path) => `$.${path}`) }
}

/** Describes a column of text, such as a status. */
export function text(name: string, ...paths: readonly string[]): Column {
  return column(name, 'text', ...paths)
}

/** Describes a column of the bare ids in references to one type, such as `patient`. */
export function referenceTo(target: string, name: string, ...paths: readonly string[]): Column {
  return { ...column(name, 'reference', ...paths.map((path) => `${path}.reference`)), target }
}

/** Describes two columns for references to several types: `name`, the bare id, and `name_type`. */
export function reference(name: string, ...paths: readonly string[]): readonly Column[] {
  const references = paths.map((path) => `${path}.reference`)
  return [
    column(name, 'reference', ...references),
    column(`${name}_type`, 'reference-type', ...references),
  ]
}

/**
 * Describes the columns of the first coding of a CodeableConcept: `name` (the code), `name_system`,
 * `name_display` and `name_text`.
 */
export function concept(name: string, ...paths: readonly string[]): readonly Column[] {
  return [
    text(name, ...paths.map((path) => `${path}.coding[0].code`)),
    text(`${name}_system`, ...paths.map((path) => `${path}.coding[0].system`)),
    text(`${name}_display`, ...paths.map((path) => `${path}.coding[0].display`)),
    text(`${name}_text`, ...paths.map((path) => `${path}.text`)),
  ]
}

/** Describes the columns of a Coding: `name` (the code), `name_system`, `name_display`. */
export function coding(name: string, path: string): readonly Column[] {
  return [
    text(name, `${path}.code`),
    text(`${name}_system`, `${path}.system`),
    text(`${name}_display`, `${path}.display`),
  ]
}

/** Describes a column of the code of the first coding of a CodeableConcept. */
export function codeOf(name: string, path: string): Column {
  return text(name, `${path}.coding[0].code`)
}

/** Describes the columns of a Quantity: `name` (the value), `name_unit` and `name_code`. */
export function quantity(name: string, path: string): readonly Column[] {
  return [
    column(name, 'number', `${path}.value`),
    text(`${name}_unit`, `${path}.unit`),
    text(`${name}_code`, `${path}.code`),
  ]
}

/** Describes the columns of a Period: `name_start` and `name_end`. */
export function period(name: string, path: string): readonly Column[] {
  return [
    column(`${name}_start`, 'instant', `${path}.start`),
    column(`${name}_end`, 'instant', `${path}.end`),
  ]
}

/** Describes the columns of an amount of Money: `name` and `name_currency`. */
export function money(name: string, path: string): readonly Column[] {
  return [column(name, 'money', `${path}.value`), text(`${name}_currency`, `${path}.currency`)]
}

/** Describes the columns of a first Identifier: `identifier` and `identifier_system`. */
export function identifier(path = 'identifier[0]'): readonly Column[] {
  return [text('identifier', `${path}.value`), text('identifier_system', `${path}.system`)]
}
