import { isResourceType, PATIENT_COMPARTMENT } from '@flatfhir/protocol'

import { referenceIdSql } from './reference-sql.ts'

/** Elements of the Patient compartment that do not repeat in any type of R4 that has them. */
const SINGLE: ReadonlySet<string> = new Set([
  'subject',
  'patient',
  'recorder',
  'asserter',
  'policyHolder',
  'subscriber',
  'beneficiary',
  'candidate',
  'individual',
  'requester',
  'deliverTo',
])

/** A path of the compartment, split into what the one extraction reads and what is read from that. */
interface CompartmentPath {
  readonly path: string
  /** Paths into the text at {@link path}; none where that is the reference itself. */
  readonly inner: readonly string[]
}

/**
 * JSON paths to extract for the ids of the patients in whose compartment a resource is. A Patient is
 * in its own compartment only, a Group in nobody's: its members are its content, not its subject.
 */
export function compartmentPaths(type: string): readonly string[] {
  if (type === 'Patient') return ['$.id']
  return pathsOf(type).map(({ path }) => path)
}

/** SQL of the list of ids, from the SQL of the texts at {@link compartmentPaths}. */
export function compartmentSql(type: string, texts: readonly string[]): string {
  const [first] = texts
  if (first === undefined) return '[]::VARCHAR[]'
  if (type === 'Patient') return present(first)
  const paths = pathsOf(type)
  if (paths.length === 1 && paths[0]?.inner.length === 0) {
    return present(referenceIdSql(first, 'Patient'))
  }
  const lists = paths.map(({ inner }, index) => patientsSql(texts[index] ?? 'NULL', inner))
  return `list_sort(list_distinct(${lists.reduce((left, right) => `list_concat(${left}, ${right})`)}))`
}

function pathsOf(type: string): readonly CompartmentPath[] {
  if (type === 'Patient' || type === 'Group' || !isResourceType(type)) return []
  return (PATIENT_COMPARTMENT[type] ?? []).map(compartmentPath)
}

function compartmentPath(steps: readonly string[]): CompartmentPath {
  const [first = '', ...rest] = steps
  if (rest.length === 0 && SINGLE.has(first)) return { path: `$.${first}.reference`, inner: [] }
  return { path: `$.${first}`, inner: innerPaths(['$', '$[*]'], rest) }
}

/** Every step may be one element or a list of them. */
function innerPaths(starts: readonly string[], steps: readonly string[]): readonly string[] {
  const [step, ...rest] = steps
  if (step === undefined) return starts.map((start) => `${start}.reference`)
  const next = starts.flatMap((start) => [`${start}.${step}`, `${start}.${step}[*]`])
  return innerPaths(next, rest)
}

function patientsSql(text: string, inner: readonly string[]): string {
  if (inner.length === 0) return `[${referenceIdSql(text, 'Patient')}]`
  const references = inner.map((path) =>
    path.includes('*')
      ? `json_extract_string(${text}, '${path}')`
      : `[json_extract_string(${text}, '${path}')]`,
  )
  const all = references.reduce((left, right) => `list_concat(${left}, ${right})`)
  return `list_transform(${all}, lambda r: ${referenceIdSql('r', 'Patient')})`
}

/** A list of one value, or of none where it is NULL; without CASE, which DuckDB evaluates apart. */
function present(value: string): string {
  return `array_slice([${value}], 1, (${value} IS NOT NULL)::BIGINT)`
}
